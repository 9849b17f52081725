"""Progress: says when a commit position stands still for longer than its agent may take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from streamagents.pipeline.retry import CAP_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
        stuck_after_s: beyond what its attempts may take.
    """

    def __init__(self, partition: int, clock: Clock, stuck_after_s: float) -> None:
        self._partition, self._clock, self._stuck_after_s = partition, clock, stuck_after_s
        self._told: set[str] = set()

    def look(
        self, intakes: Iterable[Intake], *, running: int, takes: Callable[[str], bool]
    ) -> None:
        """Tell, once a stall.

        Args:
            intakes: the sources.
            running: lanes whose agent runs.
            takes: whether a topic's agent is not held back on purpose.
        """
        now_s = self._clock.monotonic()
        for intake in intakes:
            topic, route = intake.subscription.topic, intake.subscription.registration.route
            stalled_s = intake.stalled_s(now_s)
            may_take_s = route.attempts * route.timeout_s + (route.attempts - 1) * CAP_S
            if stalled_s <= may_take_s + self._stuck_after_s or not takes(topic):
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
