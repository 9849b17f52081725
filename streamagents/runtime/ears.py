"""Ears: the pages of a process that listens to folders or queues, and what they are made from."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from streamagents.ops.ears import ear_report
from streamagents.ops.gauges import LOOK_S
from streamagents.ops.health import judge, live, ready
from streamagents.ops.metrics import CONTENT_TYPE, EarMetrics
from streamagents.ops.pages import Page, verdict_page
from streamagents.ops.server import PageServer
from streamagents.ops.view import Heard, View
from streamagents.runtime.probing import BrokerProbe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from streamagents.ops.view import Phase
    from streamagents.runtime.app import StreamApp
    from streamagents.settings import PagesPort
    from streamagents.topics import TopicSpec
    from streamagents.triggers.bridge.passing import Passing
    from streamagents.triggers.files.watch import FolderWatch

log = structlog.stdlib.get_logger("streamagents.runtime")


_ASK_S = 5.0
"""Between two questions to the broker."""


class Ears:
    """Looks at one process twice a second, in its event loop, for whoever asks its pages.

    Args:
        app: the application.
        topics: where its events go.
    """

    def __init__(self, app: StreamApp, topics: Sequence[TopicSpec]) -> None:
        self._whose, self._stuck_after_s = str(app.conf.id), app.settings.stuck_after_s
        self._topics = [spec.name for spec in topics]
        # Nobody else hears of a broker here while there is nothing to send.
        self._probe = BrokerProbe(
            app.settings.bootstrap, every_s=min(_ASK_S, self._stuck_after_s / 3)
        )
        self._phase: Phase = "starting"
        self._heard: Callable[[], Iterable[Heard]] = tuple
        self._metrics = EarMetrics(lambda: self.view, self._stuck_after_s)
        self._due = time.monotonic()
        self.view = View(at=self._due)
        """The newest; may be read by any thread."""

    @asynccontextmanager
    async def shown(self, host: str, port: PagesPort, setting: str) -> AsyncIterator[None]:
        """Answer from entry to exit.

        Raises:
            ConfigurationError: the address cannot be listened at.
        """
        pages = {
            "/live": self._live,
            "/ready": self._ready,
            "/health": self._health,
            "/metrics": lambda: Page(200, self._metrics.exposition(), CONTENT_TYPE),
        }
        server = None
        if port != "off":
            server = PageServer(pages, host=host, port=port, setting=setting)
            log.info("web_listens", host=host, port=server.start())
        tasks = [
            asyncio.create_task(work) for work in (self._look_on(), self._probe.run(self._topics))
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if server is not None:
                server.stop()

    def begin(self, heard: Callable[[], Iterable[Heard]]) -> None:
        """A broker has answered, and the topics are there.

        Args:
            heard: how the folders or queues are.
        """
        self._probe.heard()
        self._phase, self._heard = "running", heard
        self._look(0.0)

    def stopping(self) -> None:
        """The process is about to end."""
        self._phase = "stopping"
        self._look(0.0)

    async def _look_on(self) -> None:
        while True:
            now = time.monotonic()
            late_s, self._due = max(0.0, now - self._due), now + LOOK_S
            self._look(late_s)
            await asyncio.sleep(LOOK_S)

    def _look(self, late_s: float) -> None:
        now = time.monotonic()
        self.view = View(
            at=now,
            phase=self._phase,
            waits_for="a Kafka broker is waited for",
            late_s=late_s,
            silent_s=now - self._probe.heard_at,
            recovered=self._phase != "starting",
            missing=self._probe.missing,
            heard=tuple(self._heard()),
        )

    def _live(self) -> Page:
        verdict = live(self.view, now=time.monotonic(), stuck_after_s=self._stuck_after_s)
        return verdict_page(verdict, fine=verdict.status == "ok")

    def _ready(self) -> Page:
        verdict = ready(self.view, now=time.monotonic(), stuck_after_s=self._stuck_after_s)
        return verdict_page(verdict, fine=verdict.status == "ok")

    def _health(self) -> Page:
        view, now = self.view, time.monotonic()
        verdict = judge(view, now=now, stuck_after_s=self._stuck_after_s)
        said = ear_report(verdict, view, now=now, whose=self._whose)
        return Page(503 if verdict.serious else 200, json.dumps(said).encode())


def heard_of_folder(source: str, watch: FolderWatch) -> Heard:
    """How a folder is."""
    counts = watch.counts
    return Heard(
        source=source,
        away=watch.gone,
        away_s=time.monotonic() - watch.gone_at if watch.gone else 0.0,
        events={"sent": counts.sent, "rejected": counts.rejected},
        files={"done": counts.done, "failed": counts.failed},
    )


def heard_of_queue(source: str, passing: Passing) -> Heard:
    """How a queue is."""
    return Heard(
        source=source,
        away=passing.away,
        away_s=time.monotonic() - passing.away_at if passing.away else 0.0,
        events={
            "sent": passing.counts.passed,
            "unmapped": passing.counts.unmapped,
            "left_out": passing.counts.left_out,
        },
    )
