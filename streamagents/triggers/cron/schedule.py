"""`Schedule`: fires an event at each slot of a cron expression, once, whatever restarts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, get_args

from streamagents.agents.tick import TICK_ATTEMPTS, tick_id
from streamagents.errors import ConfigurationError, describe
from streamagents.pipeline.dedupe import replay_count
from streamagents.ports import NoPolls
from streamagents.triggers.cron.due import CatchUp, due
from streamagents.triggers.cron.expression import Cron
from streamagents.triggers.cron.maker import Maker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamagents.agents import Context
    from streamagents.agents.tick import Tick
    from streamagents.events import Event
    from streamagents.ports import Polls
    from streamagents.triggers.cron.due import Due
    from streamagents.triggers.cron.maker import Given

GRACE_S = 60.0
"""A take-over after a kill takes a session and a few seconds: what it delays is not missed."""
_MAX_GRACE_S = 3600.0
MAX_CAP = 1000
_SECOND = timedelta(seconds=1)
_LAST, _OF = "last", "of"
"""Names in the state: the last slot that was decided about, and of which definition."""


class Schedule:
    """Fires by the clock: `Schedule("daily-report", "0 9 * * mon-fri", event=ReportDue)`.

    Each slot is one event with the id `<name>:<slot>` and the source `cron/<name>`. A schedule
    fires from its first start on, and begins anew when its expression or zone changes.

    Args:
        name: unique among all that the clock wakes; ids and state go by it.
        expression: five fields, as in a crontab; see `Cron`.
        event: a model that needs no data, an event, or a function that makes one of the slot (an
            aware datetime in the zone).
        zone: an IANA name; clocks that are set make a fixed time fire once and no interval longer.
        catch_up: what becomes of slots that nobody could fire in time: `skip`, `last` (one of
            them, unless a later one is due) or `all` (the newest `cap`).
        cap: see `catch_up`; at most 1,000.
        grace_s: a slot that comes so late is not missed; at most an hour.

    Raises:
        ConfigurationError: one of these cannot work.
    """

    timeout_s = 60.0

    def __init__(
        self,
        name: str,
        expression: str,
        *,
        event: Given,
        zone: str = "UTC",
        catch_up: CatchUp = "skip",
        cap: int = 100,
        grace_s: float = GRACE_S,
    ) -> None:
        owner = f"Schedule({name!r})"
        try:
            self.cron = Cron(expression, zone)
        except ConfigurationError as exc:
            raise ConfigurationError(f"{owner}: {exc}") from exc
        _check(owner, catch_up, cap, grace_s)
        self.name, self.source = name, f"cron/{name}"
        self.catch_up, self.cap, self.grace_s = catch_up, cap, float(grace_s)
        self.polls: Polls = NoPolls()
        """Is told what becomes of slots."""
        self._maker = Maker(owner, event)
        self._known: tuple[datetime, datetime | None] | None = None

    @property
    def emits(self) -> tuple[type[Event], ...]:
        """The models of its events."""
        return self._maker.emits

    def slot(self, now: datetime) -> datetime | None:
        """Its latest slot at or before now."""
        if self._known is not None:
            slot, following = self._known
            if slot <= now and (following is None or now < following):
                return slot
        latest = self.cron.latest(now)
        if latest is not None:
            self._known = latest, self.cron.next(now)
        return latest

    def state_before(self, slot: datetime) -> dict[str, str]:
        """Its state as it is when the slot before has fired: what a test begins with."""
        last = self.cron.latest(slot - _SECOND) or slot
        return {_LAST: last.isoformat(), _OF: str(self.cron)}

    async def run(self, tick: Tick, ctx: Context) -> None:
        """Fire what is due at a tick.

        Raises:
            Exception: whatever the function raises that makes the event.
        """
        if replay_count(tuple(ctx.event.headers.items())):
            self._fire([tick.slot], "fired", tick, ctx)  # a person wants exactly this one
            return
        last = self._last(tick, ctx)
        if last is None or tick.slot <= last:
            return
        what = due(
            self.cron,
            last=last,
            slot=tick.slot,
            now=ctx.now(),
            catch_up=self.catch_up,
            cap=self.cap,
            grace_s=self.grace_s,
        )
        self._leave_out(what, last, ctx)
        self._fire(what.missed, "caught_up", tick, ctx)
        self._fire(what.on_time, "fired", tick, ctx)
        ctx.state.set(_LAST, tick.slot.isoformat())

    def _last(self, tick: Tick, ctx: Context) -> datetime | None:
        """The last slot that was decided about; None if this tick is not to be decided about."""
        now, grace = ctx.now(), timedelta(seconds=self.grace_s)
        if tick.slot > now + grace or self.cron.latest(tick.slot) != tick.slot:
            # Of another definition, as in a rolling deploy, or of a clock that is ahead. The next
            # tick looks back at whatever this one should have fired.
            ctx.log.warning("tick_not_ours", slot=tick.slot.isoformat(), schedule=str(self.cron))
            return None
        stored = ctx.state.get(_LAST, type=datetime)
        if stored is None or ctx.state.get(_OF) != str(self.cron):
            ctx.log.info("schedule_begins", schedule=str(self.cron))
            ctx.state.set(_LAST, tick.slot.isoformat())
            ctx.state.set(_OF, str(self.cron))
            return None
        if stored > now + grace:  # the clock was ahead when it was written, and is right now
            return self.cron.latest(tick.slot - _SECOND)
        return stored

    def _fire(self, slots: Iterable[datetime], outcome: str, tick: Tick, ctx: Context) -> None:
        for slot in slots:
            try:
                event = self._maker.make(slot.astimezone(self.cron.zone))
            except Exception as exc:  # the user's function: a failure of the tick, or passed over
                if slot == tick.slot or ctx.event.attempt < TICK_ATTEMPTS:
                    raise
                # An old slot that cannot be made would bar the way of all that follow.
                ctx.log.warning("slot_given_up", slot=slot.isoformat(), error=describe(exc))
                self.polls.fired(self.name, "skipped", slot)
                continue
            ctx.emit(event, id=tick_id(self.name, slot))
            self.polls.fired(self.name, outcome, slot)

    def _leave_out(self, what: Due, last: datetime, ctx: Context) -> None:
        if what.left_out is None:
            return
        ctx.log.warning(
            "slots_skipped",
            after=last.isoformat(),
            until=what.left_out.isoformat(),
            catch_up=self.catch_up,
        )
        self.polls.fired(self.name, "skipped", what.left_out)


def _check(owner: str, catch_up: Any, cap: Any, grace_s: Any) -> None:
    if catch_up not in get_args(CatchUp):
        raise ConfigurationError(f"{owner}: catch_up={catch_up!r} is none of skip, last, all.")
    if isinstance(cap, bool) or not isinstance(cap, int) or not 1 <= cap <= MAX_CAP:
        raise ConfigurationError(f"{owner}: cap={cap!r} is no whole number from 1 to {MAX_CAP}.")
    number = isinstance(grace_s, (int, float)) and not isinstance(grace_s, bool)
    if not number or not 1 <= grace_s <= _MAX_GRACE_S:
        raise ConfigurationError(
            f"{owner}: grace_s={grace_s!r} is no number of seconds from 1 to {_MAX_GRACE_S:.0f}."
        )
