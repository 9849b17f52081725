"""A desk of parked lanes."""

from __future__ import annotations

from streamagents.runtime.parked import Parked
from support.records import record
from support.stores import FakeStore

ADA, BOB = b"a" * 16, b"b" * 16


class ParkedDesk:
    """Parked lanes over a state that is durable at once."""

    def __init__(self, store: FakeStore | None = None) -> None:
        self.store = store or FakeStore()
        self.parked = Parked(self.store)
        self.parked.read()

    def put(self, lane: bytes, offset: int, due_ms: int = 0) -> None:
        """Park a record of this offset."""
        self._write(self.parked.put(lane, record(b"%d" % offset, offset=offset), due_ms))

    def postpone(self, lane: bytes, due_ms: int) -> None:
        """The head of a lane has to wait again."""
        head = self.parked.head(lane)
        assert head is not None
        self._write(self.parked.postpone(head, due_ms))

    def end(self, lane: bytes) -> int:
        """The head of a lane has its outcome; which it was."""
        head = self.parked.head(lane)
        assert head is not None
        self.parked.drop(head.entry)
        self._write({head.entry: None})
        return head.offset

    def _write(self, writes: dict[bytes, bytes | None]) -> None:
        self.store.apply([(self, writes)], None)

    def heads(self) -> dict[bytes, int | None]:
        """The first of each lane, by its offset."""
        found = {lane: self.parked.head(lane) for lane in (ADA, BOB)}
        return {lane: None if head is None else head.offset for lane, head in found.items()}

    def drained(self, lane: bytes) -> list[int]:
        """End a lane, event by event; their offsets."""
        found = []
        while self.parked.head(lane) is not None:
            found.append(self.end(lane))
        return found
