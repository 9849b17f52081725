"""Groups: what is written together or not at all, and the batches of records they become."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiokafka.errors import RecordListTooLargeError

from streamagents.runtime.internals import RawBatch, has_raw_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from aiokafka import AIOKafkaProducer

    from streamagents.ports import Outgoing


@dataclass(slots=True, eq=False)
class Group:
    """What is written together or not at all."""

    writes: dict[bytes, bytes | None] = field(default_factory=dict)
    """Changes of the state; None deletes."""
    records: Sequence[Outgoing] = ()
    """Records for other topics; each has a partition."""
    durable: Callable[[], None] | None = None
    """Called when the group is committed."""
    refused: Callable[[BaseException], None] | None = None
    """Called when the group can never be written."""
    binding: bool = False
    """What comes behind it may have read what it writes: refused, it takes that with it."""
    awaited: bool = False
    """Somebody waits for it, so that it does not wait for company."""

    @property
    def count(self) -> int:
        """Records that it writes."""
        return len(self.writes) + len(self.records)

    @property
    def size(self) -> int:
        """Bytes that it writes, framing aside."""
        size = sum(len(record.value or b"") for record in self.records) if self.records else 0
        for value in self.writes.values():
            if value is not None:
                size += len(value)
        return size


def by_partition(
    groups: Iterable[Group], state: tuple[str, int]
) -> dict[tuple[str, int], list[tuple[Any, ...]]]:
    """The records of groups by topic and partition, in order; `state` is the changelog's."""
    now_ms = int(time.time() * 1000)
    changes: list[tuple[Any, ...]] = []
    records: dict[tuple[str, int], list[tuple[Any, ...]]] = {}
    for group in groups:
        for record in group.records:
            assert record.partition is not None  # noqa: S101 - whoever built the group placed it
            records.setdefault((record.topic, record.partition), []).append(
                (record.key, record.value, record.headers, record.timestamp or now_ms)
            )
        for key, value in group.writes.items():
            changes.append((key, value, (), now_ms))
    if changes:
        records.setdefault(state, []).extend(changes)
    return records


def cut(producer: AIOKafkaProducer, records: list[tuple[Any, ...]]) -> Iterator[tuple[Any, int]]:
    """Cut records into batches, each with its number of records.

    A record larger than a batch gets one of its own, and so does one with raw header names.
    """
    index = 0
    while index < len(records):
        raw = has_raw_names(records[index][2])
        batch, size = RawBatch() if raw else producer.create_batch(), 0
        for key, value, headers, timestamp in records[index:]:
            if headers and not raw and has_raw_names(headers):
                break
            if not batch.append(key=key, value=value, timestamp=timestamp, headers=list(headers)):
                break
            size += 1
        if not size:
            raise RecordListTooLargeError
        batch.close()
        index += size
        yield batch, size
