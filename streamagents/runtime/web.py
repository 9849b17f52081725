"""The worker's pages: `/live /ready /health /metrics`, and what they are made from."""

from __future__ import annotations

import json
import time
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog
from faust.exceptions import AlreadyConfiguredWarning
from faust.sensors.prometheus import FaustMetrics, PrometheusMonitor

from streamagents.ops.events import Handled
from streamagents.ops.health import judge, live, ready
from streamagents.ops.metrics import CONTENT_TYPE, WorkerMetrics
from streamagents.ops.report import report
from streamagents.ops.server import Page, PageServer, verdict_page
from streamagents.settings import DEFAULT_WEB_PORT, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamagents.agents import Registry
    from streamagents.ops.view import View
    from streamagents.topics import Layout

log = structlog.stdlib.get_logger("streamagents.runtime")


class WorkerWeb:
    """What a worker shows to the outside. Its pages are made in the server's thread.

    Args:
        settings: where to listen, and what is too long.
        metrics: what `/metrics` shows.
        view: the newest look at the worker.
    """

    def __init__(
        self, settings: Settings, metrics: WorkerMetrics, view: Callable[[], View]
    ) -> None:
        self._stuck_after_s, self._metrics, self._view = settings.stuck_after_s, metrics, view
        self._server: PageServer | None = None

    def start(self, host: str, port: int) -> None:
        """Answer from here on.

        Raises:
            ConfigurationError: the address cannot be listened at.
        """
        pages = {
            "/live": self.live,
            "/ready": self.ready,
            "/health": self.health,
            "/metrics": self.metrics,
        }
        self._server = PageServer(pages, host=host, port=port)
        log.info("web_listens", host=host, port=self._server.start())

    def stop(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.stop()

    def live(self) -> Page:
        """Whether the event loop turns."""
        verdict = live(self._view(), now=time.monotonic(), stuck_after_s=self._stuck_after_s)
        return verdict_page(verdict, fine=verdict.status == "ok")

    def ready(self) -> Page:
        """Whether it can take events."""
        verdict = ready(self._view(), now=time.monotonic(), stuck_after_s=self._stuck_after_s)
        return verdict_page(verdict, fine=verdict.status in {"ok", "stale"})

    def health(self) -> Page:
        """Everything, in one object."""
        view = self._view()
        verdict = judge(view, now=time.monotonic(), stuck_after_s=self._stuck_after_s)
        said = report(
            verdict,
            view,
            now=datetime.now(UTC),
            last=dict(self._metrics.events.last),
            polls=self._metrics.polls.last_polls(),
        )
        return Page(503 if verdict.serious else 200, json.dumps(said).encode())

    def metrics(self) -> Page:
        """For Prometheus."""
        return Page(200, self._metrics.exposition(), CONTENT_TYPE)


def handled_by(registry: Registry, layout: Layout, channels: Iterable[str]) -> Handled:
    """What an application handles, for the labels of its metrics."""
    typed = {(r.name, layout.typed(r.event).name) for r in registry.agents.values()}
    inbox, actions = layout.inbox().name, layout.actions().name
    return Handled(
        topics=(
            *sorted((topic, agent) for agent, topic in typed),
            (inbox, registry.fallback.name),
            (actions, ""),
        ),
        pairs=(
            *sorted(typed),
            (registry.fallback.name, inbox),
            *((channel, actions) for channel in sorted(channels)),
        ),
        actions=actions,
    )


def faust_monitor(metrics: WorkerMetrics) -> Any:
    """Faust's own sensor, under its own names, in the same exposition."""
    return PrometheusMonitor(metrics=FaustMetrics.create(metrics.registry, "faust"))


def faust_port(settings: Settings) -> int:
    """The port as Faust knows it, which knows no free one and no `off`."""
    return DEFAULT_WEB_PORT if settings.web_port in {0, "off"} else int(settings.web_port)


def start_web(app: Any) -> None:
    """Look, and let others look, from before anything is waited for.

    Raises:
        ConfigurationError: the address cannot be listened at.
    """
    conf, settings = app.conf, app.settings
    if conf.web_enabled and settings.web_port != "off":
        named = conf.web_port != faust_port(settings)  # by --web-port
        app.web_pages.start(conf.web_bind, conf.web_port if named else settings.web_port)
    app.lookout.start()
    if settings.faust_web:
        with warnings.catch_warnings():
            # Faust warns of a late change; its server has not been made yet.
            warnings.simplefilter("ignore", AlreadyConfiguredWarning)
            conf.web_port += 1
