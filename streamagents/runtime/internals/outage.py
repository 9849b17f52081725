"""Outages: a broker that is away while Faust starts or recovers is waited for.

Stock Faust ends the worker at the first refused connection.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, TypeVar

from aiokafka.errors import KafkaError
from faust.transport.drivers import aiokafka as driver

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Answer = TypeVar("Answer")

_AGAIN_S = 0.5


async def ask_again(
    service: Any, ask: Callable[[], Awaitable[Answer]], *, limit_s: float = float("inf")
) -> Answer:
    """Ask the broker until it answers, the service is to stop, or the time is up.

    Raises:
        KafkaError: it did not answer.
    """
    deadline = time.monotonic() + limit_s
    while True:
        try:
            return await ask()
        except (KafkaError, TimeoutError) as exc:
            if service.should_stop or time.monotonic() >= deadline:
                raise
            service.log.warning("The broker does not answer, asking again: %r", exc)
        await asyncio.sleep(_AGAIN_S)


class RecordProducer(driver.Producer):  # type: ignore[misc] # Faust is not typed for us
    """Faust's own producer. Nothing of ours goes through it, but the worker starts it."""

    async def on_start(self) -> None:
        """Connect, however long it takes."""
        await ask_again(self, self._connect)

    async def _connect(self) -> None:
        try:
            await super().on_start()
        except KafkaError:
            await self._producer.stop()  # the next attempt makes a new one
            raise

    async def create_topic(self, *_: Any, **__: Any) -> None:
        """Every topic exists: the worker has looked before it began (`startup.py`)."""
