"""Ticking: schedules and monitors as the runtime runs them, agents that the clock wakes."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

import structlog

from streamagents.agents import Registration, Route
from streamagents.agents.tick import TICK_ATTEMPTS, Tick, Ticking
from streamagents.errors import ConfigurationError
from streamagents.pipeline.outcome import Skip
from streamagents.pipeline.ticks import UNKNOWN_TICK, judge_tick
from streamagents.triggers import Schedule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamagents.pipeline.chain import Partitioner, Subscription
    from streamagents.pipeline.outcome import DeadLetter, Forward, Incoming
    from streamagents.ports import Polls, Record, Trigger

log = structlog.stdlib.get_logger("streamagents.runtime")

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_TOLD = 100
"""Names that are gone, of which each is logged once."""


def tickings(triggers: Iterable[Trigger], polls: Polls) -> dict[str, Ticking]:
    """Those of the triggers that the clock wakes, by name.

    Args:
        triggers: of the application.
        polls: is told what they do.

    Raises:
        ConfigurationError: a name is not legal, or two have the same.
    """
    found: dict[str, Ticking] = {}
    for trigger in triggers:
        if not isinstance(trigger, Ticking):
            continue
        name, kind = trigger.name, type(trigger).__name__
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"{kind}({name!r}): a name has 1 to 80 small letters, digits, dots, underscores or "
                "hyphens, and begins with a letter or a digit."
            )
        if name in found:
            raise ConfigurationError(
                f"Two triggers that the clock wakes are called {name!r}, a "
                f"{type(found[name]).__name__} and a {kind}: ids and state go by the name. Rename "
                "one of them."
            )
        if isinstance(trigger, Schedule):
            trigger.polls = polls
        found[name] = trigger
    return found


def register_tickings(found: Mapping[str, Ticking]) -> dict[str, Registration]:
    """What the clock wakes as the runtime runs it, by name."""
    return {
        name: Registration(
            type=Tick.event_type.type,
            route=Route(ticking, attempts=TICK_ATTEMPTS, timeout_s=ticking.timeout_s),
            name=ticking.source,
            version=str(getattr(ticking, "version", "1")),
            event=Tick.event_type,
            model=Tick,
            wants_context=True,
            is_async=inspect.iscoroutinefunction(ticking.run),
            source=ticking.source,
        )
        for name, ticking in found.items()
    }


class TickJudge:
    """Judges the records of the ticks' topic; tells, once each, of names that are gone.

    Args:
        ticking: the topic by name, each with its registration.
        app_id: who we are.
        partition_of: Kafka's partitioner.
    """

    def __init__(
        self, ticking: Mapping[str, Subscription], *, app_id: str, partition_of: Partitioner
    ) -> None:
        self._ticking, self._app_id, self._partition_of = ticking, app_id, partition_of
        self._told: set[bytes | None] = set()

    def __call__(self, record: Record) -> Incoming | Skip | Forward | DeadLetter:
        """Decide about a record."""
        decision = judge_tick(record, self._ticking, self._app_id, self._partition_of)
        gone = isinstance(decision, Skip) and decision.reason == UNKNOWN_TICK
        if gone and record.key not in self._told and len(self._told) < _TOLD:
            self._told.add(record.key)
            name = (record.key or b"").decode(errors="replace")
            log.info("tick_skipped", name=name, reason="the application has nothing of this name")
        return decision
