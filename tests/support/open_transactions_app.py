"""Switch: every transaction stays open for a while when all of its records lie in Kafka."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from aiokafka import AIOKafkaProducer

from support.jobs_app import app

_OPEN_S = float(os.environ.get("JOBS_OPEN_S", "2"))
_as_it_is = AIOKafkaProducer.commit_transaction


async def _late(producer: Any) -> None:
    await producer.flush()
    await asyncio.sleep(_OPEN_S)
    await _as_it_is(producer)


if "JOBS_JOURNAL" in os.environ:  # in a worker only: the tests look at the application, too
    AIOKafkaProducer.commit_transaction = _late

__all__ = ["app"]
