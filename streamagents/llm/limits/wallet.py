"""Wallets: each state partition owns its slice of a day's budget, and keeps what is spent of it.

A worker pools the slices of its partitions. What is spent is written to the slice it was taken
from, so that a partition that moves takes along exactly what is left of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from streamagents.llm.limits.spend import NANOS, NOTHING, Spend
from streamagents.pipeline.mark import FORMAT, refuse_newer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamagents.agents.budget import Budget

EVERYBODY = "*"
"""The scope of the budget that all agents share; the others are agents' names."""
Place = tuple[int, int]
"""A state partition: how many there are, and which it is."""


@dataclass(slots=True)
class Wallet:
    """What one state partition has spent today, by scope."""

    day: str = ""
    spent: dict[str, Spend] = field(default_factory=dict)

    def turn(self, day: str) -> None:
        """A new day begins with nothing spent.

        Where it has begun already, our clock is behind that of an earlier owner: it goes on.
        """
        if day != self.day and not _is_eve(day, self.day):
            self.day, self.spent = day, {}

    def add(self, scopes: Sequence[str], spend: Spend) -> None:
        """Spend, or give back what is negative."""
        for scope in scopes:
            self.spent[scope] = self.spent.get(scope, NOTHING).plus(spend)

    def encode(self) -> bytes:
        """Its bytes in the state: the format byte and JSON."""
        return bytes([FORMAT]) + json.dumps([self.day, self.spent]).encode()

    @classmethod
    def decode(cls, raw: bytes | None) -> Wallet:
        """Read it.

        Raises:
            NewerFormatError: this version does not know its format.
        """
        if raw is None:
            return cls()
        refuse_newer(raw)
        day, spent = json.loads(raw[1:])
        return cls(day, {scope: Spend(*spend) for scope, spend in spent.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One budget that a call has to fit in, and the slice of it that a partition owns."""

    name: str
    slice: Spend
    by_money: bool
    by_tokens: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """It does not fit."""

    scope: str


def scope_of(name: str, budget: Budget, partitions: int) -> Scope | None:
    """A budget's scope among so many partitions; None if it has no daily limit."""
    if budget.usd_per_day is None and budget.tokens_per_day is None:
        return None
    nanos = int((budget.usd_per_day or 0) * NANOS) // partitions  # rounded down: a sum of slices
    return Scope(  # is never more than the whole
        name=name,
        slice=Spend(nanos, int(budget.tokens_per_day or 0) // partitions),
        by_money=budget.usd_per_day is not None,
        by_tokens=budget.tokens_per_day is not None,
    )


def draw(
    wallets: Mapping[Place, Wallet],
    scopes: Sequence[Scope],
    estimate: Spend,
    *,
    own: Place,
    alone: bool,
) -> Mapping[Place, Spend] | Refused:
    """From which slices a call is paid: its own partition's first, then the fullest.

    Args:
        wallets: of the worker's partitions that have slices of these budgets, as of today.
        scopes: the budgets that the call has to fit in.
        estimate: what it may take.
        own: the partition of its event.
        alone: no other call is under way; it may overrun what is left, or a small budget could
            never be spent at all.
    """
    for scope in scopes:
        left = [_room(wallet, scope) for wallet in wallets.values()]
        for at, counts in enumerate((scope.by_money, scope.by_tokens)):
            total = sum(room[at] for room in left)
            # Nothing left is nothing, also for a call whose price nobody knows.
            if counts and (total <= 0 or (total < estimate[at] and not alone)):
                return Refused(scope.name)
    return _split(wallets, scopes, estimate, own)


def corrections(
    parts: Mapping[Place, Spend], spent: Mapping[Place, Spend], difference: Spend
) -> Mapping[Place, Spend]:
    """How the slices that a call was paid from change when it took more or less than was thought.

    Whoever has spent most gets it back first: a debt that stays, while others have room, would
    leave their room to be spent again when the partitions part.

    Args:
        parts: what was taken, from slices that are still ours.
        spent: of these slices, in all.
        difference: what the call took more; negative for less.
    """
    changes = {place: [0, 0] for place in parts}
    for at, rest in enumerate(difference):
        for place in sorted(parts, key=lambda place: -spent[place][at]):
            changes[place][at] = rest if rest > 0 else -min(-rest, parts[place][at])
            rest -= changes[place][at]  # noqa: PLW2901 - what is left of it
    return {place: Spend(*change) for place, change in changes.items()}


def used_ratio(wallets: Mapping[Place, Wallet], scope: Scope) -> float:
    """How much of the worker's slices is spent: 0 is nothing, 1 all of it."""
    ratios = [0.0]
    for at, counts in enumerate((scope.by_money, scope.by_tokens)):
        if counts:
            slices = scope.slice[at] * len(wallets)
            left = sum(_room(wallet, scope)[at] for wallet in wallets.values())
            ratios.append(1 - left / slices if slices else 1.0)
    return max(ratios)


def day_of(now: datetime) -> str:
    """The UTC day, as a wallet names it."""
    return now.astimezone(UTC).date().isoformat()


def _is_eve(day: str, of: str) -> bool:
    return bool(of) and date.fromisoformat(day) + timedelta(days=1) == date.fromisoformat(of)


def next_day(now: datetime) -> datetime:
    """The next UTC midnight."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=1)


def _room(wallet: Wallet, scope: Scope) -> Spend:
    """What is left of a slice; negative where a call took more than was thought."""
    return scope.slice.minus(wallet.spent.get(scope.name, NOTHING))


def _split(
    wallets: Mapping[Place, Wallet], scopes: Sequence[Scope], estimate: Spend, own: Place
) -> Mapping[Place, Spend]:
    shares = {place: _fraction(wallet, scopes, estimate) for place, wallet in wallets.items()}
    order = sorted(wallets, key=lambda place: (place != own, -shares[place]))
    parts: dict[Place, float] = {}
    missing = 1.0
    for place in order:
        taken = min(missing, shares[place])
        if taken > 0:
            parts[place] = taken
            missing -= taken
    if missing > 0:  # the overrun is the event's own partition's
        parts[own] = parts.get(own, 0.0) + missing
    return {place: estimate.part(fraction) for place, fraction in parts.items()}


def _fraction(wallet: Wallet, scopes: Sequence[Scope], estimate: Spend) -> float:
    """The part of an estimate that a slice has room for, in every scope."""
    fractions = [1.0]
    for scope in scopes:
        room = _room(wallet, scope)
        for at, counts in enumerate((scope.by_money, scope.by_tokens)):
            if counts and estimate[at]:
                fractions.append(max(0.0, room[at] / estimate[at]))
    return min(fractions)
