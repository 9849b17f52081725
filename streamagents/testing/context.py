"""`FakeContext`: what a test hands to `run(event, ctx)`. It keeps the worker's rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from structlog.testing import LogCapture

from streamagents.agents import Context, EventInfo
from streamagents.errors import EventTooLargeError
from streamagents.events import Event
from streamagents.testing.clock import FakeClock
from streamagents.topics import MAX_RECORD_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class FakeContext(Context):
    """A context outside of any worker: what is emitted and logged is kept for the test to see.

    Args:
        event_id: the event's id, from which the ids of what it emits are made.
        now: the moment that `ctx.now()` tells; `ctx.clock` moves it.
        attempt: 1 for the first.
        headers: the record's headers.
        type: the event's type, where the agent looks at it.
        source: where the event came from.
        key: the event's key.
    """

    def __init__(
        self,
        *,
        event_id: str = "event-1",
        now: datetime | None = None,
        attempt: int = 1,
        headers: Mapping[str, bytes] | None = None,
        type: str = "test",  # noqa: A002 - the event's own word
        source: str = "test",
        key: str | None = None,
    ) -> None:
        self.clock = FakeClock() if now is None else FakeClock(now)
        self.emitted: list[Event] = []
        self.emitted_ids: list[str] = []
        self._unnamed = 0
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
        )
        log: Any = structlog.wrap_logger(None, processors=[capture])
        super().__init__(event, emit=self._keep, clock=self.clock, log=log)

    def _keep(self, event: Event) -> str:
        if not isinstance(event, Event):
            raise TypeError(
                f"emit() takes an Event, got {type(event).__name__}: define a model for it."
            )
        size = len(event.model_dump_json())
        if size > MAX_RECORD_BYTES:
            raise EventTooLargeError(
                f"The emitted {type(event).__name__} takes {size} bytes, a record takes "
                f"{MAX_RECORD_BYTES}: emit a reference to the data instead."
            )
        id_ = event.event_id()
        if id_ is None:
            self._unnamed += 1
            id_ = f"{self.event.id}/emit-{self._unnamed}"
        self.emitted.append(event)
        self.emitted_ids.append(id_)
        return id_
