"""Telling: from fresh items to events, and what becomes of those that make none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamagents.errors import EventTooLargeError, PollError, describe
from streamagents.monitors.events import MonitorItemDropped
from streamagents.monitors.standing import MAX_STUMBLES, Stumble
from streamagents.pipeline.frames import place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamagents.agents import Context
    from streamagents.events import Event
    from streamagents.monitors.monitor import Monitor
    from streamagents.monitors.news import News

_MOST_STUMBLES = 50
"""Beyond that it is not single items that are at fault."""
_MAX_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What a look is going to leave."""

    events: Sequence[tuple[str, Event]]
    """With the rest of their ids."""
    stumbles: dict[str, Stumble]
    """To be tried again."""
    dropped: Sequence[Stumble]
    """Not to be tried again."""

    @property
    def undone(self) -> set[bytes]:
        """The marks of what is tried again."""
        return {bytes.fromhex(mark) for mark in self.stumbles}


def prepare(monitor: Monitor, news: News, before: Mapping[str, Stumble]) -> Prepared:
    """Make events of items. One of which none can be made is tried again, a few times.

    A change is not there to be seen again: it is dropped at once, and told of.

    Raises:
        PollError: no event can be made of any of them, or of too many.
    """
    events: list[tuple[str, Event]] = []
    failed: dict[str, Stumble] = {}
    done = 0
    for one in news.fresh:
        try:
            event = monitor.make(one.item)
        except Exception as exc:  # noqa: BLE001 - a user's function: the other items go on
            key = one.mark.key.hex()
            times = before[key].times + 1 if key in before else 1
            reason = f"{describe(exc)[:_MAX_REASON]} {_at(exc)}".strip()
            failed[key] = Stumble(item=one.id, url=one.item.url, times=times, reason=reason)
            continue
        done += 1
        if event is not None:
            events.append((one.id, event))
    if (not done and failed.keys() - before.keys()) or len(failed) > _MOST_STUMBLES:
        worst = next(iter(failed.values()))
        raise PollError(f"No event can be made of {len(failed)} items. The first: {worst.reason}")
    there = {one.mark.key.hex() for one in news.fresh} | {key.hex() for key in news.held}
    gone = {key: one for key, one in before.items() if key not in there}
    return _judged(events, failed, gone, most=1 if monitor.changes else MAX_STUMBLES)


def _judged(
    events: Sequence[tuple[str, Event]],
    failed: Mapping[str, Stumble],
    gone: Mapping[str, Stumble],
    *,
    most: int,
) -> Prepared:
    # What has left the listing in the meantime cannot be tried again.
    dropped = [*gone.values(), *(one for one in failed.values() if one.times >= most)]
    again = {key: one for key, one in failed.items() if one.times < most}
    return Prepared(events=events, stumbles=again, dropped=dropped)


def tell(prepared: Prepared, name: str, ctx: Context) -> int:
    """Emit what was prepared; how many events of items that were."""
    dropped, told = list(prepared.dropped), 0
    for id_, event in prepared.events:
        try:
            ctx.emit(event, id=f"{name}:{id_}")
            told += 1
        except EventTooLargeError as exc:  # it will be as large the next time
            dropped.append(Stumble(item=id_, reason=str(exc)))
    for one in prepared.stumbles.values():
        ctx.log.warning(
            "item_failed", action="item_failed", monitor=name, item=one.item, error=one.reason
        )
    for one in dropped:
        gone = MonitorItemDropped(
            monitor=name, item=one.item, url=one.url or None, reason=one.reason
        )
        ctx.emit(gone, id=f"{name}:dropped:{one.item}")
        ctx.log.error(
            "item_dropped", action="item_dropped", monitor=name, item=one.item, error=one.reason
        )
    return told


def _at(exc: Exception) -> str:
    where = place(exc)
    return f"(at {where})" if where else ""
