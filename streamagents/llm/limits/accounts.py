"""Accounts: what a call may take is set aside, durable, before it; its answer settles it."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from streamagents.errors import ModelBusyError, ModelRefusedError
from streamagents.llm.limits.spend import NOTHING, Spend
from streamagents.llm.limits.wallet import (
    EVERYBODY,
    Refused,
    corrections,
    day_of,
    draw,
    next_day,
    scope_of,
    used_ratio,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamagents.agents.budget import Budget
    from streamagents.llm.limits.till import Till
    from streamagents.llm.limits.wallet import Place, Scope, Wallet
    from streamagents.ports import Clock

RECHECK_S = 600.0
"""An event that waits for the next day looks again so often: a worker that gets more partitions
gets what is left of their slices, too."""
_HELD_S = 2.0
_WARNING = 0.8

log = structlog.stdlib.get_logger("streamagents.llm")


class EventWallet(Protocol):
    """What one event has spent, in all of its attempts."""

    @property
    def place(self) -> Place:
        """Its state partition."""

    def spent(self) -> Spend:
        """So far, calls included of which nobody knows how they ended."""

    async def keep(self, spend: Spend) -> None:
        """Durable when this returns."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What was set aside for one call."""

    agent: str
    day: str
    parts: Mapping[str, Mapping[Place, Spend]]
    """By scope, from which slices."""
    estimate: Spend
    event: EventWallet | None = None
    before: Spend = NOTHING
    """What the event had spent before."""


class Accounts:
    """The budgets of all agents, for one worker.

    Args:
        shared: the budget of all agents together.
        budgets: by agent, where it has one of its own.
        partitions: state partitions of the whole application, all tables together.
        till: the wallets.
        clock: the time.
    """

    def __init__(
        self,
        shared: Budget,
        budgets: Mapping[str, Budget],
        *,
        partitions: int,
        till: Till,
        clock: Clock,
    ) -> None:
        self._shared, self._budgets, self._partitions = shared, budgets, partitions
        self._till, self._clock = till, clock
        self._under_way: Counter[str] = Counter()  # calls, by scope
        self._warned: set[tuple[str, str]] = set()
        self.refused: Counter[str] = Counter()
        """Calls that a spent budget refused, by scope: `all`, an agent, or `event`."""

    async def set_aside(self, agent: str, wallet: EventWallet | None, estimate: Spend) -> Charge:
        """Set aside what a call may take.

        Raises:
            ModelBusyError: a day's budget is spent, and events are to wait.
            ModelRefusedError: it is spent, and they are not; or the event's own budget is.
        """
        if wallet is None:
            return Charge(agent, "", {}, estimate)
        spent = self._of_event(agent, wallet, estimate)
        scopes = self._scopes(agent, wallet.place[0])
        day = day_of(self._clock.now())
        parts = self._draw(wallet.place, scopes, estimate, day) if scopes else {}
        event = None if spent is None else wallet
        charge = Charge(agent, day, parts, estimate, event, spent or Spend())
        self._add(charge)
        self._under_way.update(parts.keys())
        try:
            if event is not None:  # first: until it is written, other calls of the event count less
                await event.keep(charge.before.plus(estimate))
            if parts:
                await self._till.keep(_places(charge))
        except BaseException as exc:  # the call is not made, and costs nothing
            self.settle(charge, NOTHING)
            if isinstance(exc, ModelBusyError):  # and not cancelled: there is time to write it
                await self.settle_event(charge, NOTHING)
            raise
        return charge

    def settle(self, charge: Charge, spend: Spend | None) -> None:
        """The call is over; None: nobody knows what it took, and the estimate stands."""
        if not charge.day:
            return
        self._under_way.subtract(charge.parts.keys())
        if spend is not None and charge.parts:
            self._correct(charge, spend.minus(charge.estimate))
            self._till.note(_places(charge))

    def left(self) -> dict[str, float]:
        """What is left of this worker's share of the day's budgets, by scope: 0 to 1."""
        day = day_of(self._clock.now())
        counts = {count for count, _ in self._till.wallets(None)}
        found = {}
        for name in (EVERYBODY, *self._budgets):
            budget = self._shared if name == EVERYBODY else self._budgets[name]
            # An agent's events are all of one table; what is not its own has nothing spent.
            used = [
                used_ratio(self._wallets(scope, count, day), scope)
                for count in counts
                if (scope := self._scope(name, budget, count)) is not None
            ]
            if budget.usd_per_day is not None or budget.tokens_per_day is not None:
                found[_shown(name)] = min(1.0, max(0.0, 1 - max(used, default=0.0)))
        return found

    async def settle_event(self, charge: Charge, spend: Spend | None) -> None:
        """The same for the event's own budget; with the next durable write at the latest."""
        if charge.event is not None and spend is not None:
            spent = charge.event.spent().plus(spend.minus(charge.estimate))
            await charge.event.keep(spent)

    def _of_event(self, agent: str, wallet: EventWallet, estimate: Spend) -> Spend | None:
        """What the event has spent; None if it has no budget of its own."""
        budgets = [self._shared, *filter(None, [self._budgets.get(agent)])]
        usd = [b.usd_per_event for b in budgets if b.usd_per_event is not None]
        tokens = [b.tokens_per_event for b in budgets if b.tokens_per_event is not None]
        if not usd and not tokens:
            return None
        spent = wallet.spent()
        after = spent.plus(estimate)
        for limit, value, what in (
            (min(usd, default=None), after.usd, "USD"),
            (min(tokens, default=None), after.tokens, "tokens"),
        ):
            if limit is not None and value > limit:
                self.refused["event"] += 1
                raise ModelRefusedError(
                    f"This event may spend {limit:g} {what} on models, and the next call might "
                    f"bring it to {value:g}: raise the budget of {agent}, or ask for less.",
                    code="budget",
                )
        return spent

    def _scopes(self, agent: str, count: int) -> list[Scope]:
        own = self._budgets.get(agent)
        scopes = (
            self._scope(EVERYBODY, self._shared, count),
            None if own is None else self._scope(agent, own, count),
        )
        return [scope for scope in scopes if scope is not None]

    def _scope(self, name: str, budget: Budget, count: int) -> Scope | None:
        return scope_of(name, budget, self._partitions if name == EVERYBODY else count)

    def _wallets(self, scope: Scope, count: int, day: str) -> Mapping[Place, Wallet]:
        """Where a scope's slices are: all tables' for what all agents share."""
        wallets = self._till.wallets(None if scope.name == EVERYBODY else count)
        for wallet in wallets.values():
            wallet.turn(day)
        return wallets

    def _draw(
        self, own: Place, scopes: Sequence[Scope], estimate: Spend, day: str
    ) -> Mapping[str, Mapping[Place, Spend]]:
        alone = not any(self._under_way[scope.name] for scope in scopes)
        drawn = {}
        for scope in scopes:
            wallets = self._wallets(scope, own[0], day)
            parts = draw(wallets, [scope], estimate, own=own, alone=alone)
            if isinstance(parts, Refused):
                under_way = self._under_way[parts.scope]
                raise self._held() if under_way else self._spent(parts.scope)
            drawn[scope.name] = parts
            self._warn(scope, wallets, day)
        return drawn

    def _held(self) -> ModelBusyError:
        # What calls under way have set aside may come back: nobody knows yet that it is spent.
        return ModelBusyError(
            random.uniform(1, 2) * _HELD_S,
            "what is left of today's budget is set aside for calls under way",
            code="budget_held",
        )

    def _spent(self, scope: str) -> ModelBusyError | ModelRefusedError:
        self.refused[_shown(scope)] += 1
        budget = self._shared if scope == EVERYBODY else self._budgets[scope]
        whose = "all agents" if scope == EVERYBODY else scope
        reason = f"today's budget of {whose} for models is spent"
        if budget.when_spent == "reject":
            return ModelRefusedError(f"{reason.capitalize()}.", code="budget")
        now = self._clock.now()
        left_s = (next_day(now) - now).total_seconds()
        return ModelBusyError(min(left_s, RECHECK_S), reason, code="budget")

    def _add(self, charge: Charge) -> None:
        wallets = self._till.wallets(None)
        for scope, parts in charge.parts.items():
            for place, part in parts.items():
                wallets[place].add([scope], part)

    def _correct(self, charge: Charge, difference: Spend) -> None:
        """Give back, or take more."""
        # Where the partition has gone, or the day has, what was set aside stands.
        wallets = {
            place: wallet
            for place, wallet in self._till.wallets(None).items()
            if wallet.day == charge.day
        }
        for scope, parts in charge.parts.items():
            ours = {place: part for place, part in parts.items() if place in wallets}
            spent = {place: wallets[place].spent.get(scope, NOTHING) for place in ours}
            for place, change in corrections(ours, spent, difference).items():
                wallets[place].add([scope], change)

    def _warn(self, scope: Scope, wallets: Mapping[Place, Wallet], day: str) -> None:
        ratio = used_ratio(wallets, scope)
        if ratio >= _WARNING and (scope.name, day) not in self._warned:
            self._warned.add((scope.name, day))
            log.warning(
                "budget_nearly_spent",
                scope=scope.name,
                used=f"{ratio:.0%}",
                advice="this worker's share of today's budget: raise it, or events will wait",
            )


def _shown(scope: str) -> str:
    return "all" if scope == EVERYBODY else scope


def _places(charge: Charge) -> set[Place]:
    return {place for parts in charge.parts.values() for place in parts}
