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
from streamagents.ops.pages import Page, verdict_page
from streamagents.ops.report import report
from streamagents.ops.server import PageServer
from streamagents.runtime.announcing import announce, this_process
from streamagents.runtime.lettercount import LetterCount
from streamagents.runtime.logs import OutcomeLog, redactor_of
from streamagents.runtime.lookout import Lookout
from streamagents.settings import DEFAULT_WEB_PORT, Settings, load_supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamagents.ops.calls import LastPoll
    from streamagents.ops.view import View

_MONITOR, _SCHEDULE = "monitor/", "cron/"

log = structlog.stdlib.get_logger("streamagents.runtime")


class WorkerWeb:
    """What a worker shows to the outside. Its pages are made in the server's thread.

    Args:
        settings: where to listen, and what is too long.
        metrics: what `/metrics` shows.
        view: the newest look at the worker.
        whose: the application.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: WorkerMetrics,
        view: Callable[[], View],
        *,
        whose: str = "",
    ) -> None:
        self._stuck_after_s, self._metrics, self._view = settings.stuck_after_s, metrics, view
        self._who = {"app": whose, "worker": this_process()}
        self._redactor = redactor_of(settings)
        self._server: PageServer | None = None

    def start(self, host: str, port: int) -> int:
        """Answer from here on; at which port.

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
        taken = self._server.start()
        log.info("web_listens", host=host, port=taken)
        return taken

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
            polls={name: self._shown(p) for name, p in self._metrics.polls.last_polls().items()},
            who=self._who,
        )
        return Page(503 if verdict.serious else 200, json.dumps(said).encode())

    def _shown(self, poll: LastPoll | None) -> LastPoll | None:
        if poll is None or not poll.reason:
            return poll
        return poll._replace(reason=self._redactor.text(poll.reason))

    def metrics(self) -> Page:
        """For Prometheus."""
        return Page(200, self._metrics.exposition(), CONTENT_TYPE)


def handled_by(app: Any) -> Handled:
    """What an application handles, for the labels of its metrics."""
    registry, layout = app.registry, app.layout
    typed = {(r.name, layout.typed(r.event).name) for r in registry.agents.values()}
    inbox, actions, ticks = (
        spec.name for spec in (layout.inbox(), layout.actions(), layout.ticks())
    )
    clocked = sorted((ticking.source, ticks) for ticking in app.ticking.values())
    return Handled(
        topics=(
            *sorted((topic, agent) for agent, topic in typed),
            (inbox, registry.fallback.name),
            (actions, ""),
            *((ticks, "") for _ in clocked[:1]),
        ),
        pairs=(
            *sorted(typed),
            (registry.fallback.name, inbox),
            *((channel, actions) for channel in sorted(app.channels)),
            *clocked,
        ),
        actions=actions,
        ticks=ticks,
    )


def add_metrics(app: Any) -> None:
    """Give an application its metrics, before anything is built that they listen to."""
    sources = sorted(ticking.source for ticking in app.ticking.values())
    app.metrics = metrics = WorkerMetrics(
        handled_by(app),
        model=app.settings.model,
        view=lambda: app.lookout.view,
        stuck_after_s=app.settings.stuck_after_s,
        monitors=[s.removeprefix(_MONITOR) for s in sources if s.startswith(_MONITOR)],
        schedules=[s.removeprefix(_SCHEDULE) for s in sources if s.startswith(_SCHEDULE)],
    )
    # Faust's own sensor, under its own names, in the same exposition.
    app.monitor = PrometheusMonitor(metrics=FaustMetrics.create(metrics.registry, "faust"))
    app.observers.add(metrics.events)
    app.polls.add(metrics.polls)
    if app.settings.log_outcomes:
        app.observers.add(OutcomeLog())


def add_web(app: Any) -> None:
    """Give an application its lookout and its pages, when everything else is built."""
    engine, metrics, layout = app.engine, app.metrics, app.layout
    engine.worker.asker.calls = metrics.models
    engine.on_truncated = metrics.events.truncated
    topics = [topic for topic, _ in handled_by(app).topics]
    letters = LetterCount(
        app.settings.bootstrap,
        {layout.letters_name(topic): topic for topic in topics},
        app.is_leader,
        layout.letter_states().name,
    )
    names = [spec.name for spec in app.specs()]
    app.lookout = Lookout(app, names, letters, load_supervisor())
    app.web_pages = WorkerWeb(app.settings, metrics, lambda: app.lookout.view, whose=app.group)


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
        wanted = conf.web_port if named else settings.web_port
        announce(conf, conf.web_bind, app.web_pages.start(conf.web_bind, wanted))
    else:
        announce(conf, conf.web_bind, 0)
    app.lookout.start()
    if settings.faust_web:
        with warnings.catch_warnings():
            # Faust warns of a late change; its server has not been made yet.
            warnings.simplefilter("ignore", AlreadyConfiguredWarning)
            conf.web_port += 1
