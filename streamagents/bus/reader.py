"""`TopicReader`: topics as they lie on the broker, from the beginning, in nobody's group.

For whoever has to know independently of a worker: the demo's count of what was lost, and tests.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from streamagents.bus.admin import KafkaAdmin
from streamagents.bus.failures import answered
from streamagents.bus.raw import tolerate_header_names
from streamagents.errors import BrokerUnavailableError, TopicsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
    from types import TracebackType

    from streamagents.ports import Record

_POLL_MS = 200
_LOOK_S = 0.5


class TopicReader:
    """Reads what is committed, each record once. An async context manager.

    With `last` it begins so many offsets before the end of each partition; `starts` is where to
    begin, by topic and partition.

    ```python
    async with TopicReader("127.0.0.1:9092", ["new_lead", "new_lead.dlq"]) as reader:
        async for record in reader.to_end():
            ...
    ```
    """

    def __init__(
        self,
        bootstrap: str,
        names: Iterable[str],
        *,
        timeout_s: float = 10.0,
        last: int | None = None,
        starts: Mapping[tuple[str, int], int] | None = None,
    ) -> None:
        self._bootstrap, self._last = bootstrap, last
        self._names = list(names)
        self._timeout_s = timeout_s
        self._starts = starts or {}
        self._consumer: Any = None
        self._partitions: list[TopicPartition] = []

    async def __aenter__(self) -> Self:
        """Connect, and go to the beginning.

        Raises:
            BrokerUnavailableError: no broker answered within `timeout_s`.
            TopicsError: one of the topics does not exist.
        """
        async with KafkaAdmin(self._bootstrap, timeout_s=self._timeout_s) as admin:
            found = await admin.end_offsets(self._names)
        missing = sorted(set(self._names) - {topic for topic, _ in found})
        if missing:
            raise TopicsError(f"There is no topic to read: {', '.join(missing)}.")
        self._partitions = [TopicPartition(*partition) for partition in found]
        tolerate_header_names()
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id="streamagents-reader",
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            request_timeout_ms=int(self._timeout_s * 1000),
        )
        try:
            async with answered(self._bootstrap, self._timeout_s):
                await self._consumer.start()
        except BaseException:  # Ctrl-C included: who did not get in leaves nothing open behind
            await self._consumer.stop()
            raise
        self._consumer.assign(self._partitions)
        for partition in self._partitions:
            if partition in self._starts:
                self._consumer.seek(partition, self._starts[partition])
        # The driver's tasks begin with the next turn of the loop; stopped before, it would raise
        # their CancelledError at us.
        await asyncio.sleep(0)
        if self._last is not None:
            await self._skip({TopicPartition(*at): end for at, end in found.items()}, self._last)
        return self

    async def _skip(self, ends: dict[TopicPartition, int], last: int) -> None:
        try:
            async with answered(self._bootstrap, self._timeout_s):
                begins = await self._consumer.beginning_offsets(list(ends))
        except BaseException:  # likewise
            await self._consumer.stop()
            raise
        for partition, end in ends.items():
            self._consumer.seek(partition, max(begins[partition], end - last))

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self._consumer.stop()

    async def to_end(self) -> AsyncIterator[Record]:
        """What was not read yet, up to the ends as they are now, at least.

        Raises:
            BrokerUnavailableError: there was more, but for `timeout_s` nothing came.
        """
        async with answered(self._bootstrap, self._timeout_s):
            ends = await self._consumer.end_offsets(self._partitions)
        loop = asyncio.get_running_loop()
        last, before = loop.time(), await self._behind(ends)
        while before > 0:
            for record in await self._poll():
                yield record
            behind = await self._behind(ends)
            if behind < before:
                last, before = loop.time(), behind
            elif loop.time() - last > self._timeout_s:
                raise BrokerUnavailableError(
                    f"The Kafka broker at {self._bootstrap} sent nothing for "
                    f"{self._timeout_s:g} s, with {behind} offsets to go."
                )

    async def follow(self) -> AsyncIterator[Record]:
        """What was not read yet, and then what comes, for as long as somebody takes it."""
        while True:
            for record in await self._poll():
                yield record

    async def _poll(self) -> list[Record]:
        async with answered(self._bootstrap, self._timeout_s):
            polled = await self._consumer.getmany(timeout_ms=_POLL_MS)
        return [record for records in polled.values() for record in records]

    async def _behind(self, ends: dict[TopicPartition, int]) -> int:
        """How many offsets are left; not all of them are records."""
        async with answered(self._bootstrap, self._timeout_s):
            positions = {tp: int(await self._consumer.position(tp)) for tp in ends}
        return sum(max(0, end - positions[tp]) for tp, end in ends.items())


async def wait_until_stable(
    bootstrap: str, names: Sequence[str], *, within_s: float, timeout_s: float = 10.0
) -> None:
    """Wait until no transaction is open that was open now: what it holds back, nobody can read.

    Raises:
        BrokerUnavailableError: no broker answered, or one of them is open for longer.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    async with KafkaAdmin(bootstrap, timeout_s=timeout_s) as admin:
        ends = await admin.end_offsets(names, committed=False)
        while True:
            stable = await admin.end_offsets(names)
            if all(stable[at] >= end for at, end in ends.items()):
                return
            if loop.time() > deadline:
                raise BrokerUnavailableError(
                    f"A transaction in {', '.join(names)} has been open for {within_s:g} s. Who "
                    "writes there? Wait for its end, and run this again."
                )
            await asyncio.sleep(_LOOK_S)


class KafkaReader:
    """The port `Reader` on Kafka. `timeout_s` bounds the wait for each answer."""

    def __init__(self, bootstrap: str, *, timeout_s: float = 10.0) -> None:
        self._bootstrap, self._timeout_s = bootstrap, timeout_s

    async def read(self, topics: Sequence[str]) -> AsyncIterator[Record]:
        """All that is committed in the topics now, in the order of each partition.

        Raises:
            BrokerUnavailableError: no broker answered in time.
            TopicsError: one of the topics does not exist.
        """
        async with TopicReader(self._bootstrap, topics, timeout_s=self._timeout_s) as reader:
            async for record in reader.to_end():
                yield record


async def read_all(bootstrap: str, *names: str, timeout_s: float = 10.0) -> list[Record]:
    """All that is committed in the topics now, in the order of each partition."""
    async with TopicReader(bootstrap, names, timeout_s=timeout_s) as reader:
        return [record async for record in reader.to_end()]


async def read_tail(
    bootstrap: str, *names: str, last: int, timeout_s: float = 10.0
) -> list[Record]:
    """What is committed in the last so many offsets of each partition of the topics."""
    async with TopicReader(bootstrap, names, timeout_s=timeout_s, last=last) as reader:
        return [record async for record in reader.to_end()]
