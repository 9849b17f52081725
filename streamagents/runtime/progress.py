"""Progress: says when a commit position stands still for longer than its agent may take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamagents.ports import Clock
    from streamagents.runtime.intake import Intake

log = structlog.stdlib.get_logger("streamagents.runtime")


class Progress:
    """Watches the sources of one state partition.

    The worker goes on: what stands still may be one agent that hangs in a thread, and the end of
    the process would not move it.

    Args:
        partition: its number.
        clock: the time.
        stuck_after_s: beyond the agent's own time limit.
    """

    def __init__(self, partition: int, clock: Clock, stuck_after_s: float) -> None:
        self._partition, self._clock, self._stuck_after_s = partition, clock, stuck_after_s
        self._told: set[str] = set()

    def look(self, intakes: Iterable[Intake], *, running: int) -> None:
        """Tell, once a stall.

        Args:
            intakes: the sources.
            running: lanes whose agent runs.
        """
        now_s = self._clock.monotonic()
        for intake in intakes:
            topic, registration = intake.subscription.topic, intake.subscription.registration
            stalled_s = intake.stalled_s(now_s)
            if stalled_s <= registration.route.timeout_s + self._stuck_after_s:
                self._told.discard(topic)
            elif topic not in self._told:
                self._told.add(topic)
                log.warning(
                    "commit_stalled",
                    topic=topic,
                    partition=self._partition,
                    offset=intake.ledger.position,
                    seconds=round(stalled_s),
                    unfinished=intake.ledger.unfinished,
                    running=running,
                )
