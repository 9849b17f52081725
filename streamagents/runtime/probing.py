"""Probing: does a broker answer, and are the topics still there. Asked apart from the consumer.

A heartbeat says the same, but none is sent while the group rebalances, which may take 30 s.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import structlog

from streamagents.bus import KafkaAdmin
from streamagents.errors import BrokerUnavailableError, describe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

log = structlog.stdlib.get_logger("streamagents.runtime")

_EVERY_S = 5.0
_ANSWER_S = 5.0
_AGAIN_S = 1.0
_SURELY = 3
"""Answers in a row: a broker that has just started may know no topics yet."""


class BrokerProbe:
    """Asks every few seconds, for as long as it runs.

    Args:
        bootstrap: the brokers.
        every_s: between an answer and the next question.
    """

    def __init__(self, bootstrap: str, *, every_s: float = _EVERY_S) -> None:
        self._bootstrap, self._every_s = bootstrap, every_s
        self.heard_at = time.monotonic()
        """When a broker answered last; at first, when this was made."""
        self.missing: tuple[str, ...] = ()
        """Topics that are gone."""
        self.ends: Mapping[tuple[str, int], int] = {}
        """Where partitions end that are not fetched, as was last asked."""
        self.unfetched: Callable[[], set[str]] = set
        """Topics of partitions that are not fetched: nobody else hears how they grow."""
        self._not_seen: dict[str, int] = {}

    async def run(self, topics: Sequence[str]) -> None:
        """Ask until cancelled."""
        while True:
            try:
                async with KafkaAdmin(self._bootstrap, timeout_s=_ANSWER_S) as admin:
                    while True:
                        self._saw(topics, await admin.existing(topics))
                        unfetched = self.unfetched()
                        self.ends = await admin.end_offsets(unfetched) if unfetched else {}
                        await asyncio.sleep(self._every_s)
            except BrokerUnavailableError:
                pass  # whoever looks at `heard_at`, says it
            except Exception as exc:  # noqa: BLE001 - a driver's defect must not end the probing
                log.warning("probe_failed", error=describe(exc))
            await asyncio.sleep(_AGAIN_S)

    def heard(self) -> None:
        """A broker has answered somebody else."""
        self.heard_at = time.monotonic()

    def _saw(self, topics: Sequence[str], existing: set[str]) -> None:
        self.heard()
        self._not_seen = {
            name: self._not_seen.get(name, 0) + 1 for name in topics if name not in existing
        }
        self.missing = tuple(name for name, times in self._not_seen.items() if times >= _SURELY)
