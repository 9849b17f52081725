"""`LastingBus`: the port `Bus` for a process that goes on while brokers come and go."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import structlog

from streamagents.bus.producer import KafkaBus
from streamagents.errors import BrokerUnavailableError, StreamAgentsError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from streamagents.ports import Outgoing, Position

log = structlog.stdlib.get_logger("streamagents.bus")

_START_S = 5.0
_LOOK_S = 1.0
"""How often the broker is asked how it is."""
_ANSWER_S = 3.0
"""How long it has to answer: on a busy machine a second would be too short."""
_RETIRE_S = 15.0
"""What a producer that was replaced gets for the answers that it still waits for."""


class LastingBus:
    """Writes while the broker is there, and refuses at once while it is known to be away.

    The driver holds what it has taken until the broker is back, and an idempotent producer then
    writes it once: so `send` waits for `patience_s`, and whoever gives up sooner may ask the same
    task again instead of sending a second time. A producer with a failed batch is replaced.

    An async context manager. Entering it does not wait for a broker.
    """

    def __init__(
        self, bootstrap: str, *, timeout_s: float = 10.0, patience_s: float = 600.0
    ) -> None:
        self._bootstrap = bootstrap
        self._timeout_s = timeout_s
        self._patience_s = patience_s
        self._bus: KafkaBus | None = None
        self._said_away = False
        self._acknowledged_at = 0.0
        self._watch: asyncio.Task[None] | None = None
        self._now = asyncio.Event()
        """Somebody wants the next look not to wait."""
        self._retiring: set[asyncio.Task[None]] = set()
        self.is_reachable = False
        """Whether the broker answered when it was last asked."""

    async def __aenter__(self) -> Self:
        self._watch = asyncio.create_task(self._look_after())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])  # what it awaits can all be cancelled
        for task in self._retiring:
            task.cancel()
        if self._retiring:
            await asyncio.wait(self._retiring)  # each closes its producer, which is bounded
        if self._bus is not None:
            await self._bus.__aexit__(kind, error, trace)

    async def send(self, record: Outgoing) -> Position:
        """Write one record and wait until the broker has it.

        Raises:
            BrokerUnavailableError: the broker is away, or did not acknowledge within `patience_s`;
                then the record may or may not have been kept.
            TopicsError: the topic does not exist.
            EventTooLargeError: the record does not fit into its topic.
        """
        (position,) = await self.send_all([record])
        return position

    async def send_all(self, records: Iterable[Outgoing]) -> list[Position]:
        """Write records, those of one partition in the order given, and wait for all of them.

        Raises: as `send`, for the first record that failed; the others may have been kept.
        """
        bus = self._bus
        if bus is None or not self.is_reachable:
            raise BrokerUnavailableError(f"No Kafka broker can be reached at {self._bootstrap}.")
        try:
            positions = await bus.send_all(records)
        finally:
            self._replace_if_broken(bus)
        self._acknowledged_at = asyncio.get_running_loop().time()
        return positions

    async def _look_after(self) -> None:
        """Connect, ask the broker how it is, replace what is broken; for ever."""
        while True:
            if self._bus is None:
                self._bus = await self._connected()
                found = self._bus is not None
            else:
                found = await self._is_well(self._bus)
            self._tell(found=found)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._now.wait(), _LOOK_S)
            self._now.clear()

    async def _is_well(self, bus: KafkaBus) -> bool:
        """Whether it answers; a record that was acknowledged meanwhile is an answer, too."""
        began = asyncio.get_running_loop().time()
        return await bus.is_reachable(_ANSWER_S) or self._acknowledged_at > began

    async def _connected(self) -> KafkaBus | None:
        bus = KafkaBus(self._bootstrap, timeout_s=self._timeout_s, patience_s=self._patience_s)
        try:
            async with asyncio.timeout(_START_S):
                return await bus.__aenter__()
        except (StreamAgentsError, TimeoutError):  # it may also forbid us to come in
            return None

    def _tell(self, *, found: bool) -> None:
        if found and not self.is_reachable:
            log.info("broker_found", bootstrap=self._bootstrap)
        if not found and not self._said_away:
            log.warning("waiting_for_broker", bootstrap=self._bootstrap)
        self.is_reachable, self._said_away = found, not found

    def _replace_if_broken(self, bus: KafkaBus) -> None:
        if not bus.is_broken or self._bus is not bus:
            return
        log.warning("producer_replaced", bootstrap=self._bootstrap)
        self._bus, self.is_reachable = None, False
        task = asyncio.create_task(_retire(bus))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)
        self._now.set()


async def _retire(bus: KafkaBus) -> None:
    """Let others get their answers, then close."""
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(_RETIRE_S):
                await bus.answered()
    finally:
        await bus.__aexit__(None, None, None)
