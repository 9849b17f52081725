"""`FakeContext`: what a test hands to `run(event, ctx)`. It keeps the worker's rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from structlog.testing import LogCapture

from streamagents.agents import Context, EventInfo
from streamagents.llm.providers.rules import RulesModel
from streamagents.testing.clock import FakeClock
from streamagents.testing.run import FakeRun

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from streamagents.actions import Action
    from streamagents.events import Event
    from streamagents.ports import Model


class FakeContext(Context):
    """A context outside of any worker: what an agent leaves is kept for the test to see.

    ```python
    ctx = FakeContext(state={"count": 3}, steps={"enrich": {"employees": 40}})
    await LeadAgent().run(lead, ctx)  # `enrich` is not called: it has its result
    assert ctx.values == {"count": 4}
    assert ctx.acted == [LogLine(text="a lead of 40 people")]
    ```

    A second attempt has the steps of the first: `FakeContext(steps=first.steps, attempt=2)`.

    Args:
        event_id: the event's id, from which the ids of what it emits and decides are made.
        now: the moment that `ctx.now()` tells; `ctx.clock` moves it.
        attempt: 1 for the first.
        interrupted: an earlier attempt ended without telling how far it got.
        headers: the record's headers.
        type: the event's type, where the agent looks at it.
        source: where the event came from.
        key: the event's key; without one there is no `ctx.state`.
        steps: results of steps by path, JSON or models: these steps are not run, whatever they are
            called with.
        state: values by name, JSON or models.
        model: who answers `ctx.llm`, as a `FakeModel`; the default is the provider `rules`.
    """

    def __init__(
        self,
        *,
        event_id: str = "event-1",
        now: datetime | None = None,
        attempt: int = 1,
        interrupted: bool = False,
        headers: Mapping[str, bytes] | None = None,
        type: str = "test",  # noqa: A002 - the event's own word
        source: str = "test",
        key: str | None = "key-1",
        steps: Mapping[str, Any] | None = None,
        state: Mapping[str, Any] | None = None,
        model: Model | None = None,
    ) -> None:
        self.clock = FakeClock() if now is None else FakeClock(now)
        capture = LogCapture()
        self.logs = capture.entries
        """What was logged: `{"event": "scored", "log_level": "info", "score": 7}`."""
        event = EventInfo(
            id=event_id,
            type=type,
            source=source,
            time=self.clock.now(),
            attempt=attempt,
            topic=type,
            key=key,
            headers=dict(headers or {}),
            interrupted=interrupted,
        )
        log: Any = structlog.wrap_logger(None, processors=[capture])
        self._left = FakeRun(
            event_id,
            key,
            steps=steps or {},
            state=state or {},
            model=model or RulesModel(),
            clock=self.clock,
        )
        super().__init__(event, run=self._left, clock=self.clock, log=log)

    @property
    def emitted(self) -> list[Event]:
        """All that was emitted, delayed or not, in order."""
        return self._left.emitted

    @property
    def emitted_ids(self) -> list[str]:
        """The ids of what was emitted."""
        return self._left.emitted_ids

    @property
    def delayed(self) -> list[tuple[Event, float]]:
        """What of it was delayed, and by how many seconds."""
        return self._left.delayed

    @property
    def acted(self) -> list[Action]:
        """The effects that were decided, in order."""
        return self._left.acted

    @property
    def acted_ids(self) -> list[str]:
        """The ids of the effects."""
        return self._left.acted_ids

    @property
    def steps(self) -> dict[str, Any]:
        """What is stored of steps, by path, as JSON values."""
        return self._left.steps.results()

    @property
    def steps_rerun(self) -> dict[str, str]:
        """Steps that ran again though a result was stored, with the reason."""
        return self._left.steps.rerun_for

    @property
    def values(self) -> dict[str, Any]:
        """What is stored in `ctx.state`, by name, as JSON values."""
        return self._left.values.values()
