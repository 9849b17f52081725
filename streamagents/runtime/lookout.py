"""The lookout: looks at the worker twice a second, in its event loop, for whoever asks outside.

What it found last is also what a dead loop shows: its age tells.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from streamagents.llm.limits import LimitedGuard
from streamagents.ops.gauges import LOOK_S
from streamagents.ops.health import judge
from streamagents.ops.view import Overdue, View
from streamagents.runtime.endings import Endings
from streamagents.runtime.internals import heartbeat_silence_s
from streamagents.runtime.probing import BrokerProbe

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from streamagents.ops.supervisor import Supervisor
    from streamagents.ops.view import Phase, SourceView
    from streamagents.runtime.engine import Engine
    from streamagents.runtime.lettercount import LetterCount


log = structlog.stdlib.get_logger("streamagents.runtime")


class Lookout:
    """Makes views of one worker.

    Args:
        app: the Faust app, with its engine.
        topics: that have to be there.
        letters: counts dead letters.
        supervisor: hears from this loop: where it stands still, the watchdog is not fed.
    """

    def __init__(
        self, app: Any, topics: Iterable[str], letters: LetterCount, supervisor: Supervisor
    ) -> None:
        engine: Engine = app.engine
        worker = engine.worker
        self._app, self._engine, self._topics = app, engine, tuple(topics)
        self._letters, self._supervisor = letters, supervisor
        self._gate, self._invoker, self._asker = worker.gate, worker.invoker, worker.asker
        self._phase: Phase = "starting"
        self._waits_for = "a Kafka broker is waited for"
        self._probe = BrokerProbe(app.settings.bootstrap)
        self._probe.unfetched = lambda: {s.topic for s in self.view.sources if s.held}
        self._endings = Endings()
        self._due = time.monotonic()
        self._tasks: list[asyncio.Task[None]] = []
        self.view = View(
            at=time.monotonic(), waits_for=self._waits_for, provider=worker.asker.provider
        )
        """The newest; may be read by any thread."""

    def start(self) -> None:
        """Look from here on; nothing has been asked of a broker yet."""
        self._due = time.monotonic()
        self._tasks.append(asyncio.get_running_loop().create_task(self._look_on()))

    def prepared(self, folder: Path) -> None:
        """A broker has answered, the topics are there, a folder is ours."""
        self._probe.heard()
        self._endings.begin(folder)
        self._waits_for = "the group is joined, and the state recovered"
        loop = asyncio.get_running_loop()
        for work in (self._probe.run(self._topics), self._letters.run()):
            self._tasks.append(loop.create_task(work))

    def stopping(self) -> None:
        """The worker is about to stop."""
        self._phase = "stopping"
        self.view = self._look(0.0)
        self._tell()

    async def stop(self) -> None:
        """Look no more. The worker has ended as it should."""
        self._endings.end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _look_on(self) -> None:
        failing = False
        while True:
            now = time.monotonic()
            late_s, self._due = max(0.0, now - self._due), now + LOOK_S
            try:
                self.view, failing = self._look(late_s), False
            except Exception:  # a defect of ours: what was seen last stands, and the loop turns
                if not failing:
                    log.exception("look_failed")
                self.view, failing = replace(self.view, at=now), True
            self._tell()
            await asyncio.sleep(LOOK_S)

    def _tell(self) -> None:
        settings = self._app.settings
        verdict = judge(self.view, now=time.monotonic(), stuck_after_s=settings.stuck_after_s)
        self._supervisor.tell(
            self._phase,
            f"{verdict.status}: {verdict.reason}" if verdict.reason else verdict.status,
            within_s=settings.shutdown_grace_s,
        )

    def _look(self, late_s: float) -> View:
        if self._phase == "starting" and self._engine.begun:
            self._phase = "running"
        shown, guard = self._engine.show(), self._asker.guard
        limited = guard if isinstance(guard, LimitedGuard) else None
        now = time.monotonic()
        return View(
            at=now,
            phase=self._phase,
            waits_for=self._waits_for,
            late_s=late_s,
            silent_s=self._silent_s(now),
            recovered=self._engine.begun,
            missing=self._probe.missing,
            sources=tuple(map(self._with_its_end, shown.sources)),
            overdue=tuple(Overdue(agent=a, seconds=s) for a, s in self._invoker.limits.overdue()),
            running=self._gate.running_by_agent(),
            parked=shown.parked,
            delayed=shown.delayed,
            marks=shown.marks,
            pending=shown.pending + _of(shown.parked, self._app.channels),
            provider=self._asker.provider,
            circuit=limited.circuit if limited is not None else "",
            budget=limited.accounts.left() if limited is not None else {},
            rejected=dict(limited.accounts.refused) if limited is not None else {},
            crashes=self._endings.crashes,
            letters=self._letters.found,
        )

    def _with_its_end(self, source: SourceView) -> SourceView:
        """A partition that is held back is not fetched: where it ends now, the probe knows."""
        end = self._probe.ends.get((source.topic, source.partition), 0)
        if not source.held or end - source.position <= source.lag:
            return source
        return replace(source, lag=end - source.position)

    def _silent_s(self, now: float) -> float:
        """Since a broker was heard of, by whoever hears more."""
        probe_s = now - self._probe.heard_at
        beat_s = heartbeat_silence_s(self._app)
        return probe_s if beat_s is None else min(probe_s, beat_s)


def _of(counts: Counter[str], names: Collection[str]) -> Counter[str]:
    """Those of a counter that have these names."""
    return Counter({name: count for name, count in counts.items() if name in names})
