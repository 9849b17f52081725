"""Woken: what the topics tell of the last slot of each schedule and monitor, without its worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from streamagents.agents.tick import Tick, tick_id
from streamagents.events.envelope import header
from streamagents.pipeline.outbox import APP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from streamagents.ports import Record

SlotOutcome = Literal["waiting", "fired", "handled", "dead_letter"]
"""Nobody is done with it; it emitted an event with its id; it did not, or that is too long ago to
be looked for; it failed, and lies in the dead letters."""
_CODE = "streamagents-error-code"


@dataclass(frozen=True, slots=True)
class LastSlot:
    """The last slot that the leader wrote a tick for, and what became of it."""

    slot: datetime
    outcome: SlotOutcome
    code: str = ""
    """The dead letter's error code."""


def last_slots(
    ticks: Iterable[Record],
    *,
    app_id: str,
    committed: Mapping[tuple[str, int], int],
    letters: Iterable[Record],
    emitted: Iterable[Record],
) -> dict[str, LastSlot]:
    """By name, the last slot of all that ticked.

    Args:
        ticks: records of the ticks' topic, other applications' among them.
        app_id: whose are wanted.
        committed: what the group has committed, by topic and partition.
        letters: the dead letters of that topic.
        emitted: records of the topics that schedules fire into.
    """
    failed = {_id(one): _text(one, _CODE) for one in letters if _is_ours(one, app_id)}
    fired = {(_text(one, "ce_source"), _id(one)) for one in emitted}
    newest: dict[str, tuple[Tick, Record]] = {}
    for record in ticks:
        tick = _tick(record) if _is_ours(record, app_id) else None
        if tick is not None and (tick.name not in newest or newest[tick.name][0].slot <= tick.slot):
            newest[tick.name] = tick, record
    found = {}
    for name, (tick, record) in newest.items():
        id_ = tick_id(name, tick.slot)
        if id_ in failed:
            last = LastSlot(tick.slot, "dead_letter", failed[id_])
        elif (f"cron/{name}", id_) in fired:
            last = LastSlot(tick.slot, "fired")
        elif committed.get((record.topic, record.partition), 0) > record.offset:
            last = LastSlot(tick.slot, "handled")
        else:
            last = LastSlot(tick.slot, "waiting")
        found[name] = last
    return found


def _tick(record: Record) -> Tick | None:
    try:
        return Tick.model_validate_json(record.value or b"")
    except ValidationError:
        return None  # somebody else's, or damaged: it is a letter by now


def _is_ours(record: Record, app_id: str) -> bool:
    return _text(record, APP) == app_id


def _id(record: Record) -> str:
    return _text(record, "ce_id")


def _text(record: Record, name: str) -> str:
    return (header(tuple(record.headers), name) or b"").decode(errors="replace")
