"""Faust's table and its RocksDB: opened when a partition is assigned, closed when it is revoked."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import faust
from faust.stores import rocksdb

if TYPE_CHECKING:
    from collections.abc import Iterable

    from faust.types import TP


_MEMTABLE_BLOOM = 0.1
"""Of a memtable: where an id that was never seen is looked up first, in 0.5 us in place of 2."""


class _Options(rocksdb.RocksDBOptions):  # type: ignore[misc] # Faust is not typed for us
    def as_options(self) -> Any:
        """What Faust would open it with, and a filter over what is still in memory."""
        options = super().as_options()
        options.set_memtable_prefix_bloom_ratio(_MEMTABLE_BLOOM)
        options.set_memtable_whole_key_filtering(True)
        return options


class RecordStore(rocksdb.Store):  # type: ignore[misc] # Faust is not typed for us
    """Faust's store, which closes what it opened.

    Stock leaves that to garbage collection: whoever looks at a frame, or holds a traceback, keeps a
    partition open that was given back, and the next to open it here crashes the worker.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rocksdb_options = _Options(**self.options, use_rocksdict=self.use_rocksdict)

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
        except Exception as exc:
            if "lock hold by current process" not in str(exc):
                raise
        # An iterator keeps a closed RocksDB open. None of ours outlives the call that made it,
        # unless a traceback or a cycle has caught it.
        gc.collect()
        return super()._open_for_partition(partition)

    def apply_changelog_batch(self, batch: Iterable[Any], to_key: Any, to_value: Any) -> None:
        """Apply what recovery has buffered, save of partitions that were revoked meanwhile.

        Stock opens them again, in a worker that does not own them.
        """
        ours = [event for event in batch if event.message.partition in self._dbs]
        super().apply_changelog_batch(ours, to_key, to_value)


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
