"""The loop: one tick of one monitor, from the look to what is emitted and remembered."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamagents.agents.state import MAX_STATE_BYTES
from streamagents.agents.values import NOT_STORABLE, dump
from streamagents.errors import HttpError, PollError, ThrottledError, describe
from streamagents.monitors.events import MonitorFailing, MonitorRecovered
from streamagents.monitors.monitor import slot_of
from streamagents.monitors.news import Fresh, Known, Mark, News, find_news, next_known
from streamagents.monitors.standing import Standing, after_failure, after_success, why_skip
from streamagents.monitors.telling import prepare, tell
from streamagents.monitors.visit import NothingNew, Visit
from streamagents.pipeline.frames import place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from streamagents.agents import Context
    from streamagents.agents.tick import Tick
    from streamagents.events import Event
    from streamagents.monitors.item import Item
    from streamagents.monitors.monitor import Monitor
    from streamagents.monitors.telling import Prepared
    from streamagents.monitors.web import Web
    from streamagents.ports import Polls

_STANDING, _KNOWN, _MEMORY = "standing", "known", "memory"
"""Of the state: what changes with each look, with each news, and what the monitor keeps itself."""
_GRACE_S = 30.0
"""Beyond the look: what it brought has to be emitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A look that went well; without news nothing has changed."""

    visit: Visit
    news: News | None = None
    known: Known | None = None
    """What was remembered before it."""
    prepared: Prepared | None = None


class MonitorLoop:
    """A monitor as the clock wakes it: the port `Ticking`.

    Args:
        monitor: how to look, and what becomes of it.
        web: asks hosts.
        polls: is told of each poll's outcome.
    """

    def __init__(self, monitor: Monitor, web: Web, polls: Polls) -> None:
        self.monitor, self._web, self._polls = monitor, web, polls
        self.name, self.source = monitor.name, f"monitor/{monitor.name}"
        self.emits: Sequence[type[Event]] = monitor.emits
        self.timeout_s = monitor.policy.timeout_s + _GRACE_S

    def slot(self, now: datetime) -> datetime:
        """Its latest slot."""
        return slot_of(self.name, self.monitor.policy.every_s, now)

    async def run(self, tick: Tick, ctx: Context) -> None:
        """Look once. What goes wrong with the look is no failure of the tick."""
        now, standing = ctx.now(), ctx.state.get(_STANDING, type=Standing) or Standing()
        reason = why_skip(tick.slot, self.slot(now), now, standing, self.monitor.policy.every_s)
        if reason:
            self._told(ctx, now, "skipped", standing, reason=reason)
            return
        try:
            seen = await self._see(tick.slot, ctx, standing)
        except PollError as exc:
            self._failed(exc, tick.slot, ctx, standing)
            return
        self._saw(seen, tick.slot, ctx, standing)

    # -- looking ---------------------------------------------------------------------------------

    async def _see(self, slot: datetime, ctx: Context, standing: Standing) -> _Seen:
        """Look, and prepare what is to be emitted.

        Raises:
            PollError: for whatever reason there was nothing to be seen.
        """
        visit = Visit(
            self._web,
            now=ctx.now(),
            slot=slot,
            memory=deepcopy(ctx.state.get(_MEMORY, {})),
            # With an item to be tried again, all of the listing is wanted.
            validators={} if standing.stumbles else standing.validators,
        )
        try:
            async with asyncio.timeout(self.monitor.policy.timeout_s):
                items = list(await self.monitor.look(visit))
            _check_memory(visit.memory)
            known, news = self._news(items, ctx, standing)
            prepared = prepare(self.monitor, news, standing.stumbles)
        except NothingNew:
            return _Seen(visit=visit)
        except PollError:
            raise
        except HttpError as exc:
            raise PollError(str(exc)) from exc
        except TimeoutError as exc:
            limit = self.monitor.policy.timeout_s
            raise PollError(f"It took longer than {limit:g} s.") from exc
        except Exception as exc:  # a monitor's own fault is a failed poll, and nothing worse
            told = f"The monitor has a fault: {describe(exc)} (at {place(exc) or 'no line of it'})"
            raise PollError(told) from exc
        return _Seen(visit=visit, news=news, known=known, prepared=prepared)

    def _news(
        self, items: Sequence[Item], ctx: Context, standing: Standing
    ) -> tuple[Known | None, News]:
        if self.monitor.changes:
            fresh = [
                Fresh(item=item, mark=Mark(item.id.encode(), b""), id=item.id) for item in items
            ]
            return None, News(fresh=fresh, held=(), listed=())
        text, policy = ctx.state.get(_KNOWN), self.monitor.policy
        known = None if text is None else Known.read(text)
        news = find_news(
            items,
            known,
            begun_at=standing.begun_at or ctx.now(),
            first=policy.first,
            on_update=policy.on_update,
            most=policy.most,
        )
        return known, news

    # -- what it brought -------------------------------------------------------------------------

    def _saw(self, seen: _Seen, slot: datetime, ctx: Context, standing: Standing) -> None:
        now, after = ctx.now(), after_success(standing, slot, ctx.now())
        if standing.told and standing.failing_since is not None:
            since = standing.failing_since
            recovered = MonitorRecovered(monitor=self.name, since=since, at=now)
            ctx.emit(recovered, id=f"{self.name}:recovered:{since.isoformat()}")
        told = held = 0
        if seen.news is not None and seen.prepared is not None:
            told, held = tell(seen.prepared, self.name, ctx), len(seen.news.held)
            after.stumbles = seen.prepared.stumbles
            # What was not told is to be seen again: nobody may say that nothing has changed.
            whole = not held and not after.stumbles
            after.validators = seen.visit.validators if whole else {}
            self._remember(seen, seen.news, seen.prepared, ctx)
        ctx.state.set(_STANDING, after)
        self._told(ctx, now, "ok" if told else "unchanged", after, told=told, held=held)

    def _remember(self, seen: _Seen, news: News, prepared: Prepared, ctx: Context) -> None:
        if seen.visit.memory != ctx.state.get(_MEMORY, {}):
            ctx.state.set(_MEMORY, seen.visit.memory)
        if self.monitor.changes:
            return
        known = next_known(news, seen.known, prepared.undone)
        if seen.known is None or known.marks != seen.known.marks:
            ctx.state.set(_KNOWN, known.text())
        if seen.known is not None and seen.known.marks and not news.listed and not news.held:
            ctx.log.warning("listing_empty", action="listing_empty", monitor=self.name)

    def _failed(self, exc: PollError, slot: datetime, ctx: Context, standing: Standing) -> None:
        now, wait_s = ctx.now(), getattr(exc, "after_s", 0.0)
        after = after_failure(
            standing, slot, now, self.monitor.policy, reason=str(exc), wait_s=wait_s
        )
        if after.told and not standing.told and after.failing_since is not None:
            since = after.failing_since
            failing = MonitorFailing(
                monitor=self.name, failures=after.failures, reason=after.reason, since=since
            )
            ctx.emit(failing, id=f"{self.name}:failing:{since.isoformat()}")
        ctx.state.set(_STANDING, after)
        outcome = "throttled" if isinstance(exc, ThrottledError) else "failed"
        self._told(ctx, now, outcome, after, error=str(exc), failures=after.failures)

    def _told(
        self, ctx: Context, now: datetime, outcome: str, standing: Standing, **more: Any
    ) -> None:
        well = outcome in {"ok", "unchanged", "skipped"}
        say = ctx.log.info if well else ctx.log.warning
        say("polled", action="polled", monitor=self.name, outcome=outcome, **more)
        failures, reason = standing.failures, standing.reason
        self._polls.polled(self.name, outcome, now, failures=failures, reason=reason)


def _check_memory(memory: dict[str, Any]) -> None:
    """See that what a monitor keeps can be kept, before anything is emitted.

    Raises:
        PollError: it cannot.
    """
    try:
        size = len(dump(memory))
    except NOT_STORABLE as exc:
        raise PollError(f"What the monitor keeps is no JSON: {describe(exc)}") from exc
    if size > MAX_STATE_BYTES:
        raise PollError(f"The monitor keeps {size:,} bytes; it may keep {MAX_STATE_BYTES:,}.")
