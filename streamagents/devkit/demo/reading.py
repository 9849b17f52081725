"""The independent reader: Kafka as it is committed, in nobody's group, from now on."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from streamagents.bus import KafkaAdmin
from streamagents.bus.failures import answered
from streamagents.devkit.demo.facts import facts_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from streamagents.devkit.demo.facts import Fact, Places

_POLL_MS = 200
_ANSWER_S = 10.0
_STOP_S = 5.0

log = logging.getLogger(__name__)


class Reader:
    """Reads what is written to some topics after it was entered. An async context manager.

    Args:
        bootstrap: the broker list.
        places: the topics; they exist.
        group: whose progress `committed` tells.
    """

    def __init__(self, bootstrap: str, places: Places, *, group: str) -> None:
        self._bootstrap, self._places, self._group = bootstrap, places, group
        self._admin = KafkaAdmin(bootstrap, timeout_s=_ANSWER_S)
        self._consumer: Any = None

    async def __aenter__(self) -> Self:
        """Connect, and remember where the topics end.

        Raises:
            BrokerUnavailableError: no broker answered.
        """
        await self._admin.__aenter__()
        try:
            ends = await self._admin.end_offsets(self._places.all)
            await self._connect(ends)
        except BaseException:  # Ctrl-C included: who did not get in leaves nothing open behind
            await self._close()
            raise
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self._close()

    async def poll(self) -> list[Fact]:
        """What came since the last poll; waits a little for it."""
        async with answered(self._bootstrap, _ANSWER_S):
            polled = await self._consumer.getmany(timeout_ms=_POLL_MS)
        return [
            fact
            for records in polled.values()
            for record in records
            for fact in facts_of(record, self._places)
        ]

    async def to_end(self) -> list[Fact]:
        """What was not read yet, up to the ends as they are now.

        Raises:
            BrokerUnavailableError: they were not reached in time.
        """
        facts: list[Fact] = []
        ends = await self._admin.end_offsets(self._places.all)
        async with answered(self._bootstrap, _ANSWER_S):
            while not await self._reached(ends):
                facts += await self.poll()
        return facts

    async def committed(self) -> Mapping[tuple[str, int], int]:
        """How far the group has come, by topic and partition."""
        return await self._admin.committed(self._group)

    async def _connect(self, ends: Mapping[tuple[str, int], int]) -> None:
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id="streamagents-demo",
            isolation_level="read_committed",
            request_timeout_ms=int(_ANSWER_S * 1000),
        )
        async with answered(self._bootstrap, _ANSWER_S):
            await self._consumer.start()
        self._consumer.assign([TopicPartition(*partition) for partition in ends])
        await asyncio.sleep(0)  # the driver's tasks begin with the next turn of the loop
        for partition, end in ends.items():
            self._consumer.seek(TopicPartition(*partition), end)

    async def _reached(self, ends: Mapping[tuple[str, int], int]) -> bool:
        for partition, end in ends.items():
            if await self._consumer.position(TopicPartition(*partition)) < end:
                return False
        return True

    async def _close(self) -> None:
        # With the broker away the driver raises its own tasks' CancelledError at who stops it: in
        # a task of its own that ends nothing but itself.
        stopping = asyncio.ensure_future(self._stop())
        await asyncio.wait([stopping], timeout=_STOP_S)
        if not stopping.done():
            stopping.cancel()
        elif not stopping.cancelled() and (error := stopping.exception()) is not None:
            log.warning("The reader did not stop in order: %r", error)

    async def _stop(self) -> None:
        try:
            if self._consumer is not None:
                await self._consumer.stop()
        finally:
            await self._admin.__aexit__(None, None, None)
