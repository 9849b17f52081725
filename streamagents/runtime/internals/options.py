"""Options of RocksDB: what a look at an id costs, and how much memory all partitions take."""

from __future__ import annotations

from functools import cache
from typing import Any

from faust.stores import rocksdb
from rocksdict import BlockBasedOptions, Cache, WriteBufferManager

_MEMTABLE_BLOOM = 0.1
"""Of a memtable: where an id that was never seen is looked up first, in 0.5 us in place of 2."""
_BITS_A_KEY = 10
"""Of a file's filter, which then errs once in a hundred times. With stock's 3 bits every fourth new
id is looked up in every file, and an event costs the more, the more ids there are."""
_MEMTABLE_BYTES = 4 << 20
_ARENA_BYTES = 64 << 10
"""What a memtable grows by. Stock's eighth of it counts as used, and is not."""
_MEMTABLES_BYTES = 64 << 20
"""Of all partitions of the process, roughly: it may get many when another worker dies. For fewer
than sixteen it means nothing; a small one means many small files."""
_CACHE_BYTES = 32 << 20
"""The same of blocks that were read. Stock's is 2 GiB a partition."""


@cache
def _memtables() -> WriteBufferManager:
    # Without a stall: whoever is over it flushes earlier, and the loop never waits for that.
    return WriteBufferManager(_MEMTABLES_BYTES, allow_stall=False)


@cache
def _tables() -> BlockBasedOptions:
    tables = BlockBasedOptions()
    tables.set_block_cache(Cache(_CACHE_BYTES))
    tables.set_bloom_filter(_BITS_A_KEY, block_based=False)
    return tables


class RecordOptions(rocksdb.RocksDBOptions):  # type: ignore[misc] # Faust is not typed for us
    """What Faust opens RocksDB with; filters and memory are ours."""

    def as_options(self) -> Any:
        """For one partition; all share their memory."""
        options = super().as_options()
        options.set_write_buffer_size(_MEMTABLE_BYTES)
        options.set_arena_block_size(_ARENA_BYTES)
        options.set_write_buffer_manager(_memtables())
        options.set_memtable_prefix_bloom_ratio(_MEMTABLE_BLOOM)
        options.set_memtable_whole_key_filtering(True)
        options.set_block_based_table_factory(_tables())
        return options
