"""Delayed: events that may not run yet. They hold up nobody, and run when they are due.

They lie in the state, ordered by their time; in memory are only those that are due.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.pipeline.places import DELAYED, delayed_key, due_of, topic_of
from streamagents.pipeline.stored import decode_record, encode_record
from streamagents.runtime.internals import header_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamagents.pipeline.stored import StoredRecord
    from streamagents.ports import Record
    from streamagents.runtime.store import Store

_END = b"d\1"
MAX_LOADED = 1000
"""Due events of one topic in our hands at once."""
_SCANNED = 2000
"""Entries looked at in one go: those of a topic that cannot have more now must be passed over."""


class Delayed:
    """The delayed events of one state partition.

    Args:
        store: the partition's state.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loaded: dict[str, set[bytes]] = {}
        self._floor = DELAYED
        """Nothing lies before it: a scan need not cross what was deleted."""
        self._at: bytes | None = None
        """Where the next scan goes on, if the last one has not come to what is not yet due."""

    def put(self, record: Record, due_ms: int) -> dict[bytes, bytes | None]:
        """The state that keeps a record until it is due; say `arrived` when it is durable."""
        return {delayed_key(due_ms, record.topic, record.offset): encode_record(record, due_ms)}

    def arrived(self, entry: bytes) -> None:
        """A record is durable: only now a scan would find it."""
        self._floor = min(self._floor, entry)

    def load(self, now_ms: int, takes: Callable[[str], bool]) -> list[StoredRecord]:
        """Those that are due, as many as may be in our hands.

        Args:
            now_ms: the time.
            takes: whether events of a topic may run now.
        """
        found: list[StoredRecord] = []
        start = self._at or self._floor
        first = last = None
        for number, (entry, raw) in enumerate(self._store.scan(DELAYED, start)):
            first = first or entry
            if due_of(entry) > now_ms:
                break
            if number == _SCANNED:
                last = entry
                break
            topic = topic_of(entry)
            loaded = self._loaded.setdefault(topic, set())
            if entry not in loaded and len(loaded) < MAX_LOADED and takes(topic):
                loaded.add(entry)
                found.append(decode_record(entry, raw, header_name))
        if self._at is None:
            self._floor = first or _END
        self._at = last
        return found

    def finished(self, record: StoredRecord) -> None:
        """An event has its outcome, durably, or waits elsewhere."""
        self._loaded.get(record.topic, set()).discard(record.entry)
