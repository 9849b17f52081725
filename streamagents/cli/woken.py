"""What the clock wakes: when it does next, and what became of the last slot."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from streamagents.pipeline.woken import LastSlot, last_slots
from streamagents.topics import LETTERS_SUFFIX
from streamagents.triggers.cron import Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamagents.agents.tick import Ticking
    from streamagents.cli.common import Application

_TICKS, _OTHERS = 20_000, 1_000
"""Records of each partition that are looked at, the newest."""
_BEFORE = timedelta(microseconds=1)
_OUTCOMES = {
    "waiting": "waiting",
    "fired": "fired",
    "handled": "handled, fired nothing",
    "dead_letter": "dead letter",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """One schedule or monitor."""

    name: str
    source: str
    when: str
    """In words."""
    next: datetime | None
    """In its zone; UTC where it has none."""
    last: LastSlot | None
    cron: str = ""
    zone: str = ""
    every_s: float | None = None
    poll: Mapping[str, Any] | None = None
    """A monitor's last look, as its worker told."""

    @property
    def outcome(self) -> str:
        """What became of the last slot, in words: a tick that was handled may be a bad look."""
        poll, last = self.poll, self.last
        if last is not None and last.outcome == "dead_letter":
            return f"{_OUTCOMES[last.outcome]} {last.code}".strip()
        if poll is not None and poll["failures"]:
            return f"failing, {poll['failures']} in a row: {poll['reason']}"
        if poll is not None:
            return f"{poll['outcome']}, {poll['age_s']:,.0f} s ago"
        if last is None:
            return ""
        if not self.cron and last.outcome == "handled":
            return "looked; only its worker knows what came of it"
        return _OUTCOMES[last.outcome]


def woken(
    ticking: Ticking,
    now: datetime,
    last: LastSlot | None,
    poll: Mapping[str, Any] | None = None,
) -> Woken:
    """What there is to say of one.

    Args:
        ticking: the schedule or monitor.
        now: the moment.
        last: what the topics tell of its last slot.
        poll: what a worker tells of a monitor's last look.
    """
    if isinstance(ticking, Schedule):
        return _schedule(ticking, now, last)
    slot = ticking.slot(now)
    before = None if slot is None else ticking.slot(slot - _BEFORE)
    every = None if slot is None or before is None else slot - before
    return Woken(
        name=ticking.name,
        source=ticking.source,
        when="" if every is None else f"every {every.total_seconds():g} s",
        next=None if slot is None or every is None else (slot + every).astimezone(UTC),
        last=last,
        every_s=None if every is None else every.total_seconds(),
        poll=poll,
    )


def _schedule(schedule: Schedule, now: datetime, last: LastSlot | None) -> Woken:
    cron = schedule.cron
    following = cron.next(now)
    return Woken(
        name=schedule.name,
        source=schedule.source,
        when=str(cron),
        next=None if following is None else following.astimezone(cron.zone),
        last=last,
        cron=cron.expression,
        zone=cron.zone.key,
    )


async def last_of(
    application: Application, committed: Mapping[tuple[str, int], int], *, timeout_s: float
) -> Mapping[str, LastSlot]:
    """By name, what the topics tell of the last slot.

    Args:
        application: whose.
        committed: by its group. Asked for first: what it holds is among the ticks by now.
        timeout_s: bounds each answer of the broker.

    Raises:
        BrokerUnavailableError: it did not answer in time.
        TopicsError: a topic does not exist.
    """
    from streamagents.bus import read_tail  # noqa: PLC0415 - the Kafka client

    if not application.ticking:
        return {}
    layout = application.layout
    ticks = layout.ticks().name
    models = {model for one in application.ticking.values() for model in one.emits}
    topics = sorted({layout.typed(model.event_type).name for model in models})

    async def tail(names: Sequence[str], last: int) -> Any:
        bootstrap = application.settings.bootstrap
        return await read_tail(bootstrap, *names, last=last, timeout_s=timeout_s)

    ticked, letters, emitted = await asyncio.gather(
        tail([ticks], _TICKS),
        tail([ticks + LETTERS_SUFFIX], _OTHERS),
        tail(topics, _OTHERS) if topics else asyncio.sleep(0, []),
    )
    return last_slots(
        ticked, app_id=application.group, committed=committed, letters=letters, emitted=emitted
    )


def as_dict(one: Woken) -> dict[str, Any]:
    """One, for `--json`."""
    rule: dict[str, Any] = (
        {"cron": one.cron, "zone": one.zone} if one.cron else {"every_s": one.every_s}
    )
    return {
        "name": one.name,
        "source": one.source,
        **rule,
        "next": None if one.next is None else one.next.isoformat(),
        "next_utc": None if one.next is None else utc(one.next),
        "last": None
        if one.last is None
        else {"slot": utc(one.last.slot), "outcome": one.last.outcome, "code": one.last.code},
        **({} if one.cron else {"poll": None if one.poll is None else dict(one.poll)}),
    }


def utc(moment: datetime) -> str:
    """A moment, as everybody reads it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
