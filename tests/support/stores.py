"""Fakes behind the runtime's seams: a state in a dict, a writer that commits, an observer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamagents.runtime.group import Group
from streamagents.runtime.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from streamagents.ports import Report


class _Rows:
    """RocksDB's iterator, over a dict as it was when it was asked for."""

    def __init__(self, rows: Mapping[bytes, bytes]) -> None:
        self._rows, self._at = sorted(rows.items()), 0

    def seek(self, key: bytes) -> None:
        """Go to this key, or to the next."""
        self._at = sum(other < key for other, _ in self._rows)

    def valid(self) -> bool:
        """Whether there is a row here."""
        return self._at < len(self._rows)

    def key(self) -> bytes:
        """The row's key."""
        return self._rows[self._at][0]

    def value(self) -> bytes:
        """The row's value."""
        return self._rows[self._at][1]

    def next(self) -> None:
        """Go to the next row."""
        self._at += 1


class _Dict:
    """RocksDB, as the store reads it."""

    def __init__(self, rows: dict[bytes, bytes]) -> None:
        self.get, self._rows = rows.get, rows

    def iter(self) -> _Rows:
        """Read in the order of the keys."""
        return _Rows(self._rows)


class FakeStore(Store):
    """The real store over a dict: `durable` is what a new process would find."""

    def __init__(self, durable: Mapping[bytes, bytes] | None = None) -> None:
        super().__init__()
        self.durable = dict(durable or {})
        self.offsets: list[int | None] = []
        self.open(None)

    def open(self, db: object) -> None:
        """Read and write the dict, whatever is handed over."""
        super().open(_Dict(self.durable))

    def apply(
        self, groups: Iterable[tuple[object, Mapping[bytes, bytes | None]]], last: int | None
    ) -> None:
        """Write committed groups."""
        self.offsets.append(last)
        for owner, writes in groups:
            for key, value in writes.items():
                if value is None:
                    self.durable.pop(key, None)
                else:
                    self.durable[key] = value
                if self._buffered.get(key, (None, None))[0] is owner:
                    del self._buffered[key]

    def under(self, prefix: bytes) -> dict[bytes, bytes]:
        """What is durable under a prefix."""
        return dict(self.scan(prefix))


class FakeWriter:
    """Commits in order, as the real one does: soon after, or when told to if it `holds`."""

    def __init__(self, store: Store, lost: Callable[[BaseException], None] | None = None) -> None:
        self.store, self.holds, self.closed = store, False, False
        self._lost = lost
        self.queue: list[Group] = []
        self.committed: list[Group] = []
        self.unwritable: BaseException | None = None
        """Refuse the next group that can be refused."""

    def add(self, group: Group) -> None:
        """Queue a group."""
        if self.closed:
            return
        self.store.buffer(group, group.writes)
        self.queue.append(group)
        if not self.holds:
            asyncio.get_running_loop().call_soon(self._soon)

    def grow(self, group: Group, key: bytes, value: bytes) -> bool:
        """Let the group that was queued last write this, too."""
        if not self.queue or self.queue[-1] is not group:
            return False
        group.writes[key] = value
        self.store.buffer_one(group, key, value)
        return True

    def _soon(self) -> None:
        if self.holds:
            return
        try:
            self.commit()
        except Exception as exc:
            if self._lost is None:
                raise
            self.closed = True  # a defect in a callback: the real one gives the partition up, too
            self.queue.clear()
            self._lost(exc)

    def commit(self) -> None:
        """Commit what is queued: all groups in one transaction, unless one is refused."""
        while self.queue and not self.closed:
            size = 1 if self.unwritable is not None else len(self.queue)
            groups, self.queue = self.queue[:size], self.queue[size:]
            error, refused = self.unwritable, groups[0].refused
            if error is not None and refused is not None:
                self.unwritable = None
                if groups[0].binding:  # others have read what it would have changed
                    self.queue.clear()
                self.store.discard(groups[0])
                refused(error)
                if groups[0].binding:
                    self.commit()
                    raise error
                continue
            self.store.apply([(group, group.writes) for group in groups], len(self.committed))
            for group in groups:
                self.committed.append(group)
                if group.durable is not None:
                    group.durable()

    async def write(self, writes: Mapping[bytes, bytes | None]) -> None:
        """Write and wait until it is durable."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def durable() -> None:
            if not done.done():
                done.set_result(None)

        def refused(error: BaseException) -> None:
            if not done.done():
                done.set_exception(error)

        self.add(Group(writes=dict(writes), durable=durable, refused=refused))
        if self.closed:
            raise asyncio.CancelledError
        await done

    async def drained(self) -> None:
        """Wait until every group is durable."""
        if self.queue and not self.closed:
            await self.write({})

    def drop(self) -> None:
        """Write nothing more."""
        self.closed = True
        self.queue.clear()

    async def close(self) -> None:
        """Write nothing more."""
        self.drop()


class Reports:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.all: list[Report] = []

    def observe(self, report: Report) -> None:
        """Take note."""
        self.all.append(report)

    @property
    def outcomes(self) -> list[str]:
        """What happened, in order."""
        return [report.outcome for report in self.all]

    def of(self, outcome: str) -> list[int]:
        """The offsets of the events that this happened to, in order."""
        return [report.offset for report in self.all if report.outcome == outcome]
