"""Records: what lies in Kafka, who writes it and who reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from streamagents.events import Headers


class Record(Protocol):
    """One record as any Kafka client delivers it."""

    @property
    def topic(self) -> str:
        """The topic's name on the broker."""

    @property
    def partition(self) -> int:
        """The partition's number."""

    @property
    def offset(self) -> int:
        """Grows along the partition, not by one."""

    @property
    def key(self) -> bytes | None:
        """The raw key."""

    @property
    def value(self) -> bytes | None:
        """The raw value; None is a tombstone."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """In order, repeated names kept, values raw."""

    @property
    def timestamp(self) -> int:
        """Milliseconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One record to be written. Without a partition the key decides, by Kafka's murmur2."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None
    timestamp: int | None = None
    """Milliseconds since the epoch; None is the moment of writing."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a record lies."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"


class Bus(Protocol):
    """Writes records outside of any event's group: commands, gateways, tests."""

    async def send(self, record: Outgoing) -> Position:
        """Write one record and wait until the broker has it.

        Raises:
            BrokerUnavailableError: the broker did not acknowledge in time; the record may or may
                not have been kept.
            TopicsError: the topic does not exist.
        """


class Together(Protocol):
    """Writes records that belong together: for who reads committed, all are there or none."""

    async def send_together(self, records: Sequence[Outgoing]) -> None:
        """Write them and wait until the broker has them.

        Raises:
            BrokerUnavailableError: the broker did not acknowledge in time; all of them may have
                been kept, or none.
            EventTooLargeError: one of them does not fit; none was kept.
            TopicsError: a topic does not exist; none was kept.
        """


class Reader(Protocol):
    """Reads topics from the beginning, in nobody's group."""

    def read(self, topics: Sequence[str]) -> AsyncIterator[Record]:
        """All that is committed in the topics now, in the order of each partition.

        Raises:
            BrokerUnavailableError: no broker answered in time.
            TopicsError: one of the topics does not exist.
        """


class BulkBus(Protocol):
    """Writes many records at once."""

    async def send_all(self, records: Sequence[Outgoing]) -> Sequence[Position]:
        """Write records, those of one partition in the order given, and wait for all of them.

        Raises: as `Bus.send`, for the first record that failed; the others may have been kept.
        """
