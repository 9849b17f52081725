"""Parked: lanes whose head waits longer than a lane may, and everything behind it.

The records lie in the state, so that their offsets move on: a restart finds them there. In memory
is only which lane has which numbers, and when its head is due.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING

from streamagents.pipeline.places import PARKED, parked_key, read_parked_key
from streamagents.pipeline.stored import StoredRecord, decode_record, due_ms_of, encode_record
from streamagents.runtime.internals import header_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streamagents.ports import Record
    from streamagents.runtime.store import Store


class Parked:
    """The parked lanes of one state partition.

    Args:
        store: the partition's state.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lanes: dict[bytes, deque[int]] = {}
        self._heads: list[tuple[int, bytes]] = []
        self._due: dict[bytes, int] = {}
        """When the head of a lane is due; what the heap says otherwise, is no more."""
        self._next = 1
        self.count = 0
        """Records parked, and waiting behind one that is."""

    def read(self) -> None:
        """Read what is there; before it, nothing may be taken in."""
        for key, value in self._store.scan(PARKED):
            lane, number = read_parked_key(key)
            numbers = self._lanes.setdefault(lane, deque())
            if not numbers:
                self._await(lane, due_ms_of(value))
            numbers.append(number)
            self._next = max(self._next, number + 1)
            self.count += 1

    def holds(self, lane: bytes) -> bool:
        """Whether events of this lane have to queue up here."""
        return lane in self._lanes

    def put(self, lane: bytes, record: Record, due_ms: int = 0) -> dict[bytes, bytes | None]:
        """Put a record at the end of its lane; the state that says so.

        Args:
            lane: the lane's digest.
            record: what waits.
            due_ms: when the head of a lane is due; of no matter for one behind it.
        """
        numbers = self._lanes.setdefault(lane, deque())
        if not numbers:
            self._await(lane, due_ms)
        number, self._next = self._next, self._next + 1
        numbers.append(number)
        self.count += 1
        writes: dict[bytes, bytes | None] = {
            parked_key(lane, number): encode_record(record, due_ms)
        }
        if isinstance(record, StoredRecord):
            writes[record.entry] = None  # it was delayed, and waits here from now on
        return writes

    def postpone(self, record: StoredRecord, due_ms: int) -> dict[bytes, bytes | None]:
        """The head of a lane has to wait again; the state that says so."""
        # Its lane is the one it lies in: the name of its agent may have changed since.
        self._await(read_parked_key(record.entry)[0], due_ms)
        return {record.entry: encode_record(record, due_ms)}

    def due(self, now_ms: int) -> Iterator[bytes]:
        """The lanes whose head may run; each is named once. Who stops asking loses none."""
        while self._heads and self._heads[0][0] <= now_ms:
            due_ms, lane = heapq.heappop(self._heads)
            if self._due.get(lane) == due_ms:
                del self._due[lane]
                yield lane

    def _await(self, lane: bytes, due_ms: int) -> None:
        self._due[lane] = due_ms
        heapq.heappush(self._heads, (due_ms, lane))

    def head(self, lane: bytes) -> StoredRecord | None:
        """The first record of a lane."""
        numbers = self._lanes.get(lane)
        if not numbers:
            return None
        entry = parked_key(lane, numbers[0])
        raw = self._store.get(entry)
        assert raw is not None  # noqa: S101 - its number is taken away before it is deleted
        return decode_record(entry, raw, header_name)

    def lanes(self) -> Mapping[bytes, int]:
        """By lane, how many wait in it."""
        return {lane: len(numbers) for lane, numbers in self._lanes.items()}

    def drop(self, entry: bytes) -> None:
        """A record has its outcome, or could not be kept."""
        lane, number = read_parked_key(entry)
        numbers = self._lanes.get(lane)
        if numbers is None or number not in numbers:
            return
        numbers.remove(number)
        self.count -= 1
        if not numbers:
            del self._lanes[lane]
            self._due.pop(lane, None)


def is_parked(record: Record) -> bool:
    """Whether a record came from a parked lane."""
    return isinstance(record, StoredRecord) and record.entry.startswith(PARKED)
