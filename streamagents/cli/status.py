"""`streamagents status`: what the clock wakes, when it does next, and what became of the last."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import typer

from streamagents.cli.common import AppModule, AsJson, load, quiet_drivers
from streamagents.errors import BrokerUnavailableError
from streamagents.pipeline.woken import LastSlot, last_slots
from streamagents.topics import LETTERS_SUFFIX
from streamagents.triggers.cron import Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamagents.agents.tick import Ticking
    from streamagents.cli.common import Application

_ANSWER_S = 4.0
_IN_ALL_S = 12.0
_TICKS, _OTHERS = 20_000, 1_000
"""Records of each partition that are looked at, the newest."""
_BEFORE = timedelta(microseconds=1)
_PIPE_WIDTH = 240
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


def status(*, app: AppModule = None, as_json: AsJson = False) -> None:
    """Show schedules and monitors: the next slot, the last, and what became of it."""
    quiet_drivers()
    application = load(app)
    last = asyncio.run(_ask(application)) if application.ticking else {}
    now = datetime.now(UTC)
    found = [woken(one, now, last.get(name)) for name, one in application.ticking.items()]
    if as_json:
        typer.echo(json.dumps(_as_json(found)))
    elif found:
        _print_table(found)
    else:
        typer.echo("The application has no schedules and no monitors.")


def woken(ticking: Ticking, now: datetime, last: LastSlot | None) -> Woken:
    """What there is to say of one.

    Args:
        ticking: the schedule or monitor.
        now: the moment.
        last: what the topics tell of its last slot.
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


async def _ask(application: Application) -> Mapping[str, LastSlot]:
    """Ask the broker, within a bound for all of it.

    Raises:
        BrokerUnavailableError: it did not answer in time.
        TopicsError: a topic does not exist.
    """
    bootstrap = application.settings.bootstrap
    try:
        async with asyncio.timeout(_IN_ALL_S):
            return await _last(application, bootstrap)
    except TimeoutError as exc:
        raise BrokerUnavailableError(
            f"The Kafka broker at {bootstrap} did not answer within {_IN_ALL_S:g} s."
        ) from exc


async def _last(application: Application, bootstrap: str) -> Mapping[str, LastSlot]:
    from streamagents.bus import KafkaAdmin, read_tail  # noqa: PLC0415 - the Kafka client

    layout = application.layout
    ticks = layout.ticks().name
    models = {model for one in application.ticking.values() for model in one.emits}
    topics = sorted({layout.typed(model.event_type).name for model in models})

    async def tail(names: Sequence[str], last: int) -> Any:
        return await read_tail(bootstrap, *names, last=last, timeout_s=_ANSWER_S)

    # In this order: what is committed by then is among the ticks, and what it left lies there.
    async with KafkaAdmin(bootstrap, timeout_s=_ANSWER_S) as admin:
        committed = await admin.committed(application.group)
    return last_slots(
        await tail([ticks], _TICKS),
        app_id=application.group,
        committed=committed,
        letters=await tail([ticks + LETTERS_SUFFIX], _OTHERS),
        emitted=await tail(topics, _OTHERS) if topics else [],
    )


def _as_json(found: Sequence[Woken]) -> dict[str, Any]:
    return {
        "schedules": [_as_dict(one) for one in found if one.cron],
        "monitors": [_as_dict(one) for one in found if not one.cron],
    }


def _as_dict(one: Woken) -> dict[str, Any]:
    rule: dict[str, Any] = (
        {"cron": one.cron, "zone": one.zone} if one.cron else {"every_s": one.every_s}
    )
    return {
        "name": one.name,
        "source": one.source,
        **rule,
        "next": None if one.next is None else one.next.isoformat(),
        "next_utc": None if one.next is None else _utc(one.next),
        "last": None
        if one.last is None
        else {"slot": _utc(one.last.slot), "outcome": one.last.outcome, "code": one.last.code},
    }


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _print_table(found: Sequence[Woken]) -> None:
    from rich.box import SIMPLE  # noqa: PLC0415 - `--help` can do without
    from rich.console import Console  # noqa: PLC0415 - likewise
    from rich.table import Table  # noqa: PLC0415 - likewise

    table = Table("Name", "When", "Next", "Next in UTC", "Last slot", "Outcome", box=SIMPLE)
    table.columns[0].no_wrap = True
    for one in found:
        last = one.last
        table.add_row(
            one.source,
            one.when,
            "" if one.next is None else one.next.isoformat(" ", "seconds"),
            "" if one.next is None else _utc(one.next),
            "none yet" if last is None else _utc(last.slot),
            "" if last is None else f"{_OUTCOMES[last.outcome]} {last.code}".strip(),
        )
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PIPE_WIDTH)  # for grep: one a line
    console.print(table)
