"""`MemoryBus`: the port `Bus` without a broker, with Kafka's own partitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from streamagents.errors import (
    BrokerUnavailableError,
    EventTooLargeError,
    InvalidEventError,
    TopicsError,
)
from streamagents.ports import Position
from streamagents.testing.clock import FakeClock
from streamagents.topics import MAX_RECORD_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
    from types import TracebackType

    from streamagents.events import Headers
    from streamagents.ports import Clock, Outgoing

_WORD = 0xFFFFFFFF
_POSITIVE = 0x7FFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRecord:
    """One record as `MemoryBus` keeps it: the port `Record`."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int


class MemoryBus:
    """Topics in memory: `MemoryBus({"new_lead": 4})`, by name the number of partitions.

    As a broker does it: a topic that was not named does not exist, a record that is too large is
    refused, and a key decides on the partition by murmur2. Set `available = False` to take the
    broker away.
    """

    def __init__(
        self,
        topics: Mapping[str, int],
        *,
        clock: Clock | None = None,
        max_record_bytes: int = MAX_RECORD_BYTES,
        partition_of: Callable[[bytes, int], int] | None = None,
    ) -> None:
        self.available = True
        self._topics: dict[str, list[list[MemoryRecord]]] = {
            name: [[] for _ in range(partitions)] for name, partitions in topics.items()
        }
        self._clock = clock or FakeClock()
        self._max_record_bytes = max_record_bytes
        self._partition_of = partition_of or murmur2_partition
        self._keyless = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Nothing is held open."""

    async def send(self, record: Outgoing) -> Position:
        """Keep one record.

        Raises: as the port says.
        """
        partitions = self._checked(record)
        number = self._place(record, len(partitions))
        kept = partitions[number]
        kept.append(
            MemoryRecord(
                topic=record.topic,
                partition=number,
                offset=len(kept),
                key=record.key,
                value=record.value,
                headers=record.headers,
                timestamp=record.timestamp
                if record.timestamp is not None
                else int(self._clock.now().timestamp() * 1000),
            )
        )
        return Position(record.topic, number, kept[-1].offset)

    async def send_all(self, records: Iterable[Outgoing]) -> list[Position]:
        """Keep records, those of one partition in the order given."""
        return [await self.send(record) for record in records]

    async def send_together(self, records: Sequence[Outgoing]) -> None:
        """Keep records, all of them or none: the port `Together`.

        Raises: as the port says.
        """
        for record in records:
            self._checked(record)
        await self.send_all(records)

    async def read(self, topics: Sequence[str]) -> AsyncIterator[MemoryRecord]:
        """What the topics hold now: the port `Reader`.

        Raises: as the port says.
        """
        if not self.available:
            raise BrokerUnavailableError("The broker of this MemoryBus was taken away.")
        missing = sorted(set(topics) - self._topics.keys())
        if missing:
            raise TopicsError(f"There is no topic to read: {', '.join(missing)}.")
        for record in [record for topic in topics for record in self.records(topic)]:
            yield record

    def records(self, topic: str) -> list[MemoryRecord]:
        """What a topic holds, partition by partition."""
        return [record for partition in self._topics[topic] for record in partition]

    def _checked(self, record: Outgoing) -> list[list[MemoryRecord]]:
        if record.key is None and record.value is None:
            raise InvalidEventError(f"A record for {record.topic} needs a key or a value.")
        if not self.available:
            raise BrokerUnavailableError("The broker of this MemoryBus was taken away.")
        partitions = self._partitions(record)
        size = len(record.key or b"") + len(record.value or b"")
        if size > self._max_record_bytes:
            raise EventTooLargeError(
                f"The record for {record.topic} has {size:,} bytes, more than the topic takes."
            )
        return partitions

    def _partitions(self, record: Outgoing) -> list[list[MemoryRecord]]:
        partitions = self._topics.get(record.topic)
        if partitions is None:
            raise TopicsError(
                f"The topic {record.topic} does not exist: run `streamagents topics apply`."
            )
        if record.partition is not None and not 0 <= record.partition < len(partitions):
            raise TopicsError(
                f"The topic {record.topic} has {len(partitions)} partitions, "
                f"none is number {record.partition}."
            )
        return partitions

    def _place(self, record: Outgoing, partitions: int) -> int:
        if record.partition is not None:
            return record.partition
        if record.key is not None:
            return self._partition_of(record.key, partitions)
        self._keyless += 1  # Kafka says "any": here they take turns, so that tests repeat
        return self._keyless % partitions


def murmur2_partition(key: bytes, partitions: int) -> int:
    """The partition that Kafka's default partitioner gives a key."""
    return (_murmur2(key) & _POSITIVE) % partitions


def _murmur2(data: bytes) -> int:
    """MurmurHash2 with the seed of Kafka's Java client (org.apache.kafka.common.utils.Utils)."""
    mixer = 0x5BD1E995
    whole = len(data) - len(data) % 4
    value = 0x9747B28C ^ len(data)
    for at in range(0, whole, 4):
        part = int.from_bytes(data[at : at + 4], "little") * mixer & _WORD
        part = (part ^ part >> 24) * mixer & _WORD
        value = (value * mixer & _WORD) ^ part
    if whole < len(data):
        value = (value ^ int.from_bytes(data[whole:], "little")) * mixer & _WORD
    value = (value ^ value >> 13) * mixer & _WORD
    return value ^ value >> 15
