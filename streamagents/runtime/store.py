"""The state of one partition: RocksDB, and over it what is written but not yet durable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rocksdict import WriteBatch

from streamagents.errors import StateError
from streamagents.runtime.internals import OFFSET_KEY, write_batch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class _Closed:
    """Stands in for RocksDB where there is none."""

    def get(self, _: bytes) -> bytes | None:
        raise StateError("The state of a partition that was given back is read.")

    def write(self, _: WriteBatch) -> None:
        raise StateError("The state of a partition that was given back is written.")


_CLOSED = _Closed()


class Store:
    """Reads see every write in order; RocksDB itself only ever holds a committed prefix.

    A write is buffered first, leaves in a transaction, and is applied when that is committed.
    """

    def __init__(self) -> None:
        self._db: Any = _CLOSED
        self._buffered: dict[bytes, tuple[object, bytes | None]] = {}

    def open(self, db: Any) -> None:
        """Read and write this RocksDB from here on."""
        self._db = db

    def close(self) -> None:
        """Let go of RocksDB: while anybody holds it, nobody else can open it."""
        self._db = _CLOSED
        self._buffered.clear()

    def get(self, key: bytes) -> bytes | None:
        """The newest value, durable or not.

        Raises:
            StateError: the state is closed.
        """
        buffered = self._buffered.get(key)
        if buffered is not None:
            return buffered[1]
        value: bytes | None = self._db.get(key)
        return value

    def scan(self, prefix: bytes, start: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        """What is durable under a prefix, in the order of the keys; `start` is where to begin.

        To be read or thrown away at once: RocksDB stays open for as long as somebody scans it, also
        when it has been closed.
        """
        if self._db is _CLOSED:
            return
        rows = self._db.iter()
        rows.seek(prefix if start is None else start)
        while rows.valid():
            key = rows.key()
            if not key.startswith(prefix):
                return
            yield key, rows.value()
            rows.next()

    def on_its_way(self, key: bytes) -> bool:
        """Whether a change of this key is not durable yet."""
        return key in self._buffered

    def buffer(self, owner: object, writes: Mapping[bytes, bytes | None]) -> None:
        """Take the writes of a group, its owner, that is on its way."""
        for key, value in writes.items():
            self._buffered[key] = (owner, value)

    def buffer_one(self, owner: object, key: bytes, value: bytes) -> None:
        """Take one more."""
        self._buffered[key] = (owner, value)

    def discard(self, owner: object) -> None:
        """Forget the writes of a group that will never leave."""
        gone = [key for key, (by, _) in self._buffered.items() if by is owner]
        for key in gone:
            del self._buffered[key]

    def apply(
        self, groups: Iterable[tuple[object, Mapping[bytes, bytes | None]]], last: int | None
    ) -> None:
        """Write committed groups, and the changelog offset of the last of their records.

        One WriteBatch: after a kill RocksDB holds all of it or nothing, and Faust recovers from
        the offset that it finds.

        Raises:
            StateError: RocksDB did not take it.
        """
        batch = WriteBatch(raw_mode=True)
        for owner, writes in groups:
            for key, value in writes.items():
                if value is None:
                    batch.delete(key)
                else:
                    batch.put(key, value)
                if self._buffered.get(key, (None, None))[0] is owner:
                    del self._buffered[key]
        if last is not None and last >= 0:
            batch.put(OFFSET_KEY, str(last).encode())
        write_batch(self._db, batch)
