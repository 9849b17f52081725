"""The sweep: seen ids that nobody needs any more are forgotten, a small slice at a time.

Deleted by tombstones, so that the compacted changelog shrinks, too.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from streamagents.pipeline.expiry import UNLIMITED, expired
from streamagents.pipeline.identity import read_seen_key
from streamagents.pipeline.mark import Mark, Status
from streamagents.pipeline.places import MARKS, steps_of
from streamagents.runtime.group import Group

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamagents.pipeline.expiry import Lifetime
    from streamagents.runtime.store import Store
    from streamagents.runtime.writer import Writer

SLICE = 500
"""Marks that are looked at in one go: a millisecond or two of the event loop."""
_PASSES = 50
"""A mark outlives its time by at most a fiftieth of it, and this:"""
_PAUSE_S = (1.0, 3600.0)


class Sweep:
    """Forgets what has expired in one state partition.

    Args:
        store: the partition's state.
        writer: the partition's writer.
        lifetimes: by topic, how long its marks live; what it does not name lives on.
        caught_up: whether a topic's records have all been delivered: what was done before a long
            outage comes again, and its mark, however old, is needed then.
    """

    def __init__(
        self,
        store: Store,
        writer: Writer,
        lifetimes: Mapping[str, Lifetime],
        caught_up: Callable[[str], bool],
    ) -> None:
        self._store, self._writer, self._lifetimes = store, writer, lifetimes
        self._caught_up = caught_up
        shortest = min((life.done_s for life in lifetimes.values()), default=UNLIMITED)
        self._pause_s = min(max(shortest / _PASSES, _PAUSE_S[0]), _PAUSE_S[1])
        self._next_at = 0.0
        self._cursor: bytes | None = None

    def slice(self, now_s: float) -> int:
        """Look at the next few marks, if it is time; how many were forgotten."""
        if not self._next_at:  # begin with what the assignment brings again
            self._next_at = now_s + self._pause_s
        # A clock that was years ahead for a moment must not stop the sweep until then.
        if self._cursor is None and self._next_at - self._pause_s <= now_s < self._next_at:
            return 0
        rows = list(islice(self._store.scan(MARKS, self._cursor), SLICE + 1))
        gone: dict[bytes, bytes | None] = {}
        for key, value in rows[:SLICE]:
            if self._is_over(key, value, now_s):
                gone[key] = None
                mark = Mark.decode(value)
                if mark.status is not Status.DONE:  # the steps of a letter stayed with it
                    gone.update(dict.fromkeys(step for step, _ in self._store.scan(steps_of(key))))
        self._cursor = rows[SLICE][0] if len(rows) > SLICE else None
        if self._cursor is None:
            self._next_at = now_s + self._pause_s
        if gone:
            self._writer.add(Group(writes=gone))
        return len(gone)

    def purged(self, key: bytes, replay: int) -> int:
        """A person has closed an event's letter for good: its steps go, its mark stays.

        Args:
            key: the state key of its mark.
            replay: which replay of its event the letter was written by.

        Returns:
            How many steps went: none of an event that runs again, or has a later letter.
        """
        value = self._store.get(key)
        mark = None if value is None else Mark.decode(value)
        if mark is None or mark.status is not Status.DEAD_LETTERED or mark.replay != replay:
            return 0
        gone: dict[bytes, bytes | None] = {
            step: None for step, _ in self._store.scan(steps_of(key))
        }
        if gone:
            self._writer.add(Group(writes=gone))
        return len(gone)

    def _is_over(self, key: bytes, value: bytes, now_s: float) -> bool:
        seen = read_seen_key(key)
        life = self._lifetimes.get(seen.topic) if seen is not None else None
        # What is being written just now is in somebody's hands.
        if seen is None or life is None or self._store.on_its_way(key):
            return False
        return expired(Mark.decode(value), life, now_s) and self._caught_up(seen.topic)
