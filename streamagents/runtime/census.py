"""The census: how many seen ids and delayed events there are, counted a small slice at a time.

Both lie on the disk, and may be millions: a number kept in memory would have to survive every
crash, and this one is right again with its next pass.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from streamagents.pipeline.identity import read_seen_key
from streamagents.pipeline.places import DELAYED, MARKS, topic_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamagents.runtime.store import Store

SLICE = 500
"""Keys that are looked at in one go: about a millisecond of the event loop."""
_REST = 20
"""Looks that a pass is followed by, for each that it took, beyond the first."""


class Census:
    """Counts the keys under a prefix by topic.

    Args:
        store: the partition's state.
        prefix: of the keys.
        topic_of: the topic of a key; empty for one that counts for none.
    """

    def __init__(self, store: Store, prefix: bytes, topic_of: Callable[[bytes], str]) -> None:
        self._store, self._prefix, self._topic_of = store, prefix, topic_of
        self.counts: Counter[str] = Counter()
        """By topic, as the last pass found it."""
        self._counting: Counter[str] = Counter()
        self._cursor: bytes | None = None
        self._looks = self._rest = 0

    def look(self) -> None:
        """Count the next few, or rest."""
        if self._rest:
            self._rest -= 1
            return
        self._looks += 1
        keys = [key for key, _ in islice(self._store.scan(self._prefix, self._cursor), SLICE + 1)]
        self._counting.update(map(self._topic_of, keys[:SLICE]))
        self._cursor = keys[SLICE] if len(keys) > SLICE else None
        if self._cursor is None:
            self._counting.pop("", None)
            self.counts, self._counting = self._counting, Counter()
            self._rest, self._looks = (self._looks - 1) * _REST, 0


def marks(store: Store) -> Census:
    """The seen ids of a partition."""
    return Census(store, MARKS, _topic_of_mark)


def delayed(store: Store) -> Census:
    """The delayed events of a partition."""
    return Census(store, DELAYED, topic_of)


def _topic_of_mark(key: bytes) -> str:
    seen = read_seen_key(key)
    return "" if seen is None else seen.topic
