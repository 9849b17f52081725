"""Spending: who asks the model for this worker, and within which limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.errors import ConfigurationError
from streamagents.llm.asker import Asker
from streamagents.llm.limits import LimitedGuard
from streamagents.llm.limits.accounts import Accounts
from streamagents.llm.limits.queue import RateQueue
from streamagents.runtime.till import PartitionTill

if TYPE_CHECKING:
    from streamagents.agents import Registry
    from streamagents.agents.budget import Budget
    from streamagents.llm.limits import Limits
    from streamagents.ports import Clock, Model, Pauses

_FREE = frozenset({"rules", "replay"})
"""Providers that answer from here: there is nothing to limit, and nobody to spare."""


def build_asker(
    model: Model,
    registry: Registry,
    limits: Limits,
    *,
    default_model: str,
    partitions: int,
    pauses: Pauses,
    clock: Clock,
) -> tuple[Asker, PartitionTill]:
    """What asks, and the till that its limits are kept in.

    Raises:
        ConfigurationError: a budget is too small to be cut into slices.

    Args:
        model: the provider.
        registry: the agents, with budgets of their own.
        limits: of all of them.
        default_model: asked where the caller names none.
        partitions: state partitions of the application, all tables together.
        pauses: holds agents back.
        clock: the time.
    """
    till = PartitionTill(partitions)
    if model.name in _FREE:
        return Asker(model, clock=clock, default_model=default_model), till
    registrations = (*registry.agents.values(), registry.fallback)
    budgets = {r.name: r.route.budget for r in registrations if r.route.budget is not None}
    for whose, budget in (("all agents", limits.budget), *budgets.items()):
        _check_slices(whose, budget, partitions)
    accounts = Accounts(
        limits.budget,
        budgets,
        partitions=partitions,
        till=till,
        clock=clock,
    )
    guard = LimitedGuard(
        model.name,
        limits,
        queue=RateQueue(limits.rates, lambda: till.share, clock),
        accounts=accounts,
        pauses=pauses,
        clock=clock,
    )
    till.on_more = guard.more_is_ours
    return Asker(model, clock=clock, guard=guard, default_model=default_model), till


def _check_slices(whose: str, budget: Budget, partitions: int) -> None:
    if budget.tokens_per_day and budget.tokens_per_day < partitions:
        raise ConfigurationError(
            f"The budget of {whose} has {budget.tokens_per_day} tokens a day for {partitions} "
            "state partitions, each of which owns a slice: nothing could ever be asked."
        )
