"""Faust's table and its RocksDB: opened when a partition is assigned, closed when it is revoked."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import faust
from faust.stores import rocksdb
from rocksdict import WriteBatch

from streamagents.errors import StateError, describe
from streamagents.runtime.internals.handles import OFFSET_KEY
from streamagents.runtime.internals.options import RecordOptions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from faust.types import TP

    from streamagents.ports import Record


def write_batch(db: Any, batch: WriteBatch) -> None:
    """Write a batch into a RocksDB: all of it, or nothing.

    Raises:
        StateError: RocksDB did not take it.
    """
    try:
        db.write(batch)
    except Exception as exc:  # RocksDB's errors have no class of their own
        raise StateError(
            f"The local state cannot be written: {describe(exc)}. Make room, or name another "
            "folder with STREAMAGENTS_DATA_DIR, and start again: nothing is lost, it comes "
            "back from the changelog."
        ) from exc


class RecordStore(rocksdb.Store):  # type: ignore[misc] # Faust is not typed for us
    """Faust's store, which closes what it opened.

    Stock leaves that to garbage collection: whoever looks at a frame, or holds a traceback, keeps a
    partition open that was given back, and the next to open it here crashes the worker.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rocksdb_options = RecordOptions(**self.options, use_rocksdict=self.use_rocksdict)

    def revoke_partitions(self, table: Any, tps: set[TP]) -> None:
        """Close the partitions of the changelog that are not ours any more."""
        mine = table.changelog_topic.topics
        for tp in tps:
            if tp.topic in mine:
                self._close(tp.partition)

    async def stop(self) -> None:
        """Close every partition."""
        for partition in list(self._dbs):
            self._close(partition)

    def _close(self, partition: int) -> None:
        db = self._dbs.pop(partition, None)
        if db is None:
            return
        try:
            db.close()
        except Exception as exc:  # noqa: BLE001 - RocksDB's errors have no class of their own
            # It could not write what it had in memory: that is in its log, and in the changelog.
            self.log.warning("RocksDB of partition %s, at its end: %r", partition, exc)

    def _open_for_partition(self, partition: int) -> Any:
        try:
            return super()._open_for_partition(partition)
        except Exception as exc:  # RocksDB's errors have no class: only the one that passes is ours
            if "lock hold by current process" not in str(exc):
                raise
        # An iterator keeps a closed RocksDB open. None of ours outlives the call that made it,
        # unless a traceback or a cycle has caught it.
        gc.collect()
        return super()._open_for_partition(partition)

    def held(self, partition: int) -> int:
        """Up to which offset of its changelog a partition holds everything; -1: nothing."""
        offset = self._db_for_partition(partition).get(OFFSET_KEY)
        return -1 if offset is None else int(offset)

    def take(self, partition: int, records: Iterable[Record], last: int) -> None:
        """Apply records of the changelog, and that all up to an offset is applied now.

        One WriteBatch: after a kill the partition holds what is there up to its own offset.

        Args:
            partition: whose.
            records: in their order; those that it holds already are left out, for what came behind
                them may have changed the same keys.
            last: an offset without a record, too: a transaction ends in a marker.

        Raises:
            StateError: RocksDB did not take it.
        """
        held = self.held(partition)
        batch = WriteBatch(raw_mode=True)
        for record in records:
            if (
                record.offset <= held or record.key is None
            ):  # without a key: nobody of ours wrote it
                continue
            if record.value is None:
                batch.delete(record.key)
            else:
                batch.put(record.key, record.value)
        batch.put(OFFSET_KEY, str(last).encode())
        write_batch(self._db_for_partition(partition), batch)


class RecordTable(faust.Table):  # type: ignore[misc] # Faust is not typed for us
    """Faust's table, over our store."""

    def _new_store_by_url(self, url: Any) -> RecordStore:
        return RecordStore(
            url,
            self.app,
            self,
            table_name=self.name,
            key_type=self.key_type,
            key_serializer=self.key_serializer,
            value_serializer=self.value_serializer,
            value_type=self.value_type,
            loop=self.loop,
            options=self.options,
        )
