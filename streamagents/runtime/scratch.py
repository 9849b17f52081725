"""Scratch: a whole table on disk for a while, for who has to go over it more than once.

A million seen ids in memory would be a gigabyte.
"""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rocksdict import Options, Rdict, WriteBatch

from streamagents.errors import StateError
from streamagents.runtime.internals import write_batch

if TYPE_CHECKING:
    from collections.abc import Iterator

_NUMBER = struct.Struct(">I")
_BATCH = 1000
_BATCH_BYTES = 4 << 20
_MEMTABLE_BYTES = 8 << 20


class Scratch:
    """The state of all partitions, as whoever recovers it has it. A context manager.

    Args:
        folder: on whose disk it lies; nothing is left there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._batch, self._size = WriteBatch(raw_mode=True), 0
        self._numbers: set[int] = set()

    def __enter__(self) -> Self:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._home = tempfile.TemporaryDirectory(prefix="growing-", dir=self._folder)
        except OSError as exc:
            raise StateError(
                f"{self._folder} cannot be written: {exc.strerror}. Name another folder with "
                "STREAMAGENTS_DATA_DIR."
            ) from exc
        options = Options(raw_mode=True)
        options.set_write_buffer_size(_MEMTABLE_BYTES)
        self._db: Any = Rdict(str(Path(self._home.name) / "table"), options)
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()
        self._home.cleanup()

    @property
    def partitions(self) -> list[int]:
        """Those of which something was kept."""
        return sorted(self._numbers)

    def keep(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Take a record of the changelog in; None deletes.

        Raises:
            StateError: the disk does not take it.
        """
        self._numbers.add(partition)
        if value is None:
            self._batch.delete(_NUMBER.pack(partition) + key)
        else:
            self._batch.put(_NUMBER.pack(partition) + key, value)
        self._size += len(key) + len(value or b"")
        if len(self._batch) >= _BATCH or self._size >= _BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Let readers see all that was kept."""
        write_batch(self._db, self._batch)
        self._batch, self._size = WriteBatch(raw_mode=True), 0

    def get(self, partition: int, key: bytes) -> bytes | None:
        """One value."""
        value: bytes | None = self._db.get(_NUMBER.pack(partition) + key)
        return value

    def of(self, partition: int) -> PartitionOf:
        """One partition, as often as it is asked for."""
        return PartitionOf(self._db, _NUMBER.pack(partition))


class PartitionOf:
    """The entries of one partition."""

    def __init__(self, db: Any, prefix: bytes) -> None:
        self._db, self._prefix = db, prefix

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values, in the order of the keys."""
        for key, value in self._db.items(from_key=self._prefix):
            if not key.startswith(self._prefix):
                return
            yield key[len(self._prefix) :], value
