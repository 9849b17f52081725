"""Records whose header names are no UTF-8, read and written as they are.

aiokafka decodes header names strictly, and one record that is otherwise fails the whole fetch, for
ever: a poison that no dead letter could end. Such a batch is read again here, by aiokafka's own
Python reader over a buffer that decodes leniently, and written by its Python builder.
"""

from __future__ import annotations

import struct
from itertools import islice
from typing import TYPE_CHECKING, Any

from aiokafka.consumer import fetcher
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record import default_records, memory_records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamagents.events import Headers

_LENGTH = struct.Struct(">i")
_LENGTH_AT = 8
"""A record batch begins with its base offset (int64) and its length (int32)."""
_OVERHEAD_BYTES = 12


class RawName(str):
    """A header name that is no UTF-8; it encodes to the bytes that it was read from."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        """The name's bytes."""
        return str.encode(self, "utf-8", "surrogateescape")


def header_name(raw: bytes) -> str:
    """A header's name as the client reads it."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return RawName(raw.decode("utf-8", "surrogateescape"))


class _Lenient(bytearray):
    """A buffer whose slices decode to names whatever is in them."""

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return _Lenient(found) if isinstance(index, slice) else found

    def decode(self, *_: Any) -> str:
        return header_name(bytes(self))


class _LenientBatch(default_records._DefaultRecordBatchPy):  # type: ignore[misc] # not typed for us
    _buffer: bytearray

    def __init__(self, buffer: bytes) -> None:
        super().__init__(buffer)
        self._buffer = _Lenient(self._buffer)

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _Lenient(self._buffer)


class _Batch:
    """A batch as aiokafka reads it, and as we do from the first record on that it cannot."""

    def __init__(self, fast: Any, raw: memoryview) -> None:
        self._fast, self._raw = fast, raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fast, name)

    def __next__(self) -> Any:
        return next(self._fast)

    def __iter__(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._fast:
                yield record
                read += 1
        except UnicodeDecodeError:
            yield from islice(_LenientBatch(bytes(self._raw)), read, None)


class TolerantRecords:
    """Stands in for aiokafka's MemoryRecords: what one fetch brought of one partition."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = memoryview(data), 0
        self._fast = memory_records.MemoryRecords(data)

    def size_in_bytes(self) -> int:
        """Bytes fetched."""
        return int(self._fast.size_in_bytes())

    def has_next(self) -> bool:
        """Whether there is another whole batch."""
        return bool(self._fast.has_next())

    def next_batch(self) -> _Batch | None:
        """The next batch."""
        fast = self._fast.next_batch()
        if fast is None:
            return None
        begin = self._at
        length = _LENGTH.unpack_from(self._data, begin + _LENGTH_AT)[0]
        self._at = begin + _OVERHEAD_BYTES + length
        return _Batch(fast, self._data[begin : self._at])


def tolerate_header_names() -> None:
    """Let every consumer of this process read such records."""
    fetcher.MemoryRecords = TolerantRecords


def raw_names(headers: Headers) -> Headers:
    """Headers whose names can be written as they were read, however they came here."""
    return tuple((header_name(name.encode("utf-8", "surrogateescape")), v) for name, v in headers)


class RawBatch(BatchBuilder):  # type: ignore[misc] # aiokafka is not typed for us
    """A transactional batch of one record that may have such header names."""

    def __init__(self) -> None:
        super().__init__(0, 0, is_transactional=True)
        self._builder = default_records._DefaultRecordBatchBuilderPy(
            2,
            0,
            is_transactional=True,
            producer_id=-1,
            producer_epoch=-1,
            base_sequence=0,
            batch_size=0,  # the first record fits, whatever its size
        )

    def _set_producer_state(
        self, producer_id: int, producer_epoch: int, base_sequence: int
    ) -> None:
        # Stock takes only the builder in C.
        self._builder.set_producer_state(producer_id, producer_epoch, base_sequence)


def has_raw_names(headers: Sequence[tuple[str, bytes | None]]) -> bool:
    """Whether only a `RawBatch` can carry these headers."""
    return any(isinstance(name, RawName) for name, _ in headers)
