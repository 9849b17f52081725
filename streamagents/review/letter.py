"""A dead letter as a person meets it: the original, where it lies, and what happened to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from streamagents.errors import EventError
from streamagents.events import decode
from streamagents.events.wire import parse
from streamagents.ports import Position
from streamagents.review.headers import Fault, original_headers, read_fault

if TYPE_CHECKING:
    from streamagents.events import Envelope, Headers
    from streamagents.pipeline.replay import LetterState
    from streamagents.ports import Record


@dataclass(slots=True, kw_only=True)
class Letter:
    """One dead letter. Key and value are the original's bytes. Nobody changes it, as a `Fault`."""

    at: Position
    """Where it lies."""
    written_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    """All of them, also those that made a letter of it."""
    fault: Fault
    state: LetterState | None = field(default=None, compare=False)
    """What became of it since; None: it is open."""

    @property
    def written_at(self) -> datetime:
        """When it was written, in UTC."""
        try:
            return datetime.fromtimestamp(max(self.written_ms, 0) / 1000, UTC)
        except (OverflowError, ValueError, OSError):
            return datetime.fromtimestamp(0, UTC)

    @property
    def closed(self) -> bool:
        """Whether nobody has to look at it any more."""
        return self.state is not None and self.state.stage.closed

    @property
    def origin(self) -> Position | None:
        """Where the original lay, as far as that is known."""
        fault = self.fault
        if not fault.topic or fault.partition is None or fault.offset is None:
            return None
        return Position(fault.topic, fault.partition, fault.offset)

    @property
    def own_headers(self) -> Headers:
        """The original's headers."""
        return original_headers(self.headers, self.fault.convention)

    def envelope(self) -> Envelope | None:
        """What the original says of its event; None if it cannot be read."""
        try:
            return decode(self.value or b"", self.headers)
        except EventError:
            return None

    def data(self) -> Any:
        """The event's data as Python values; None where it is no JSON."""
        envelope = self.envelope()
        try:
            return None if envelope is None else parse(envelope.data)
        except EventError:
            return None

    def ids(self) -> list[str]:
        """What the event or the letter may be called, the most telling first."""
        envelope, data = self.envelope(), self.data()
        names: list[Any] = [envelope.id if envelope else None]
        names.append(data.get("id") if isinstance(data, dict) else None)
        names += [self.origin, self.at]
        told = [str(name) for name in names if name is not None and name != ""]
        return list(dict.fromkeys(told))


def read_letter(record: Record, state: LetterState | None = None) -> Letter:
    """Read one record of a topic of letters; any record is one."""
    headers = tuple(record.headers)
    return Letter(
        at=Position(record.topic, record.partition, record.offset),
        written_ms=record.timestamp,
        key=record.key,
        value=record.value,
        headers=headers,
        fault=read_fault(headers),
        state=state,
    )
