"""Accounts: set aside before a call, settled after it, shared by the workers of a group."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from streamagents.agents.budget import Budget, WhenSpent
from streamagents.errors import ModelBusyError, ModelRefusedError
from streamagents.llm.limits.accounts import RECHECK_S, Accounts
from streamagents.llm.limits.spend import NANOS, NOTHING, Spend
from streamagents.llm.limits.wallet import EVERYBODY, Place, Wallet
from streamagents.testing import FakeClock
from streamagents.testing.till import MemoryTill

if TYPE_CHECKING:
    from collections.abc import Collection

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)
PLACES = [(4, number) for number in range(4)]


@dataclass
class Event:
    """The wallet of one event: the port `EventWallet`."""

    place: Place = (4, 0)
    kept: Spend = NOTHING

    def spent(self) -> Spend:
        return self.kept

    async def keep(self, spend: Spend) -> None:
        self.kept = spend


def accounts(
    till: MemoryTill,
    shared: Budget | None = None,
    *,
    clock: FakeClock | None = None,
    **budgets: Budget,
) -> Accounts:
    return Accounts(
        shared or Budget(),
        budgets,
        partitions=4,
        till=till,
        clock=clock or FakeClock(NOON),
    )


def spent(till: MemoryTill, scope: str = EVERYBODY) -> int:
    """Tokens that are durable, of all partitions."""
    wallets = [Wallet.decode(raw) for raw in till.durable.values()]
    return sum(wallet.spent.get(scope, NOTHING).tokens for wallet in wallets)


async def all_that_is_left(books: Accounts, place: Place) -> int:
    """Spend in tens until nothing is left."""
    for spent_so_far in range(0, 100_000, 10):
        try:
            charge = await books.set_aside("Lead", Event(place), Spend(0, 10))
        except ModelBusyError:
            return spent_so_far
        books.settle(charge, Spend(0, 10))
    raise AssertionError("there is no end to it")


async def test_an_estimate_is_durable_before_the_call_and_the_usage_after_it() -> None:
    till = MemoryTill(PLACES)
    books = accounts(till, Budget(tokens_per_day=4000))

    charge = await books.set_aside("Lead", Event(), Spend(0, 300))
    assert spent(till) == 300
    books.settle(charge, Spend(0, 120))

    assert spent(till) == 120


async def test_a_call_of_which_nobody_knows_the_end_counts_as_estimated() -> None:
    till = MemoryTill(PLACES)
    books = accounts(till, Budget(tokens_per_day=4000))
    books.settle(await books.set_aside("Lead", Event(), Spend(0, 300)), None)

    assert spent(till) == 300


async def test_after_a_crash_the_next_worker_finds_what_was_set_aside() -> None:
    durable: dict[Place, bytes] = {}
    before = accounts(MemoryTill(PLACES, durable), Budget(tokens_per_day=1000))
    await before.set_aside("Lead", Event(), Spend(0, 900))

    after = accounts(MemoryTill(PLACES, durable), Budget(tokens_per_day=1000))
    charge = await after.set_aside("Lead", Event(), Spend(0, 90))
    after.settle(charge, None)
    charge = await after.set_aside("Lead", Event(), Spend(0, 19))  # alone it may overrun the 10
    after.settle(charge, None)
    with pytest.raises(ModelBusyError, match="all agents"):
        await after.set_aside("Lead", Event(), Spend(0, 9))


async def test_two_workers_together_spend_no_more_than_the_budget() -> None:
    durable: dict[Place, bytes] = {}
    tills = [MemoryTill(PLACES[:2], durable), MemoryTill(PLACES[2:], durable)]
    books = [accounts(till, Budget(tokens_per_day=1000)) for till in tills]
    for number in range(200):
        worker = number % 2
        own = tills[worker].wallets(4)
        event = Event(next(iter(own)))
        try:
            charge = await books[worker].set_aside("Lead", event, Spend(0, 10))
        except ModelBusyError:
            continue
        books[worker].settle(charge, Spend(0, 10))

    assert spent(tills[0]) == 1000


async def test_a_partition_that_moves_takes_along_what_is_left_of_it() -> None:
    durable: dict[Place, bytes] = {}
    first, second = MemoryTill(PLACES, durable), MemoryTill([], durable)
    books = accounts(first, Budget(tokens_per_day=1000))
    for _ in range(40):  # all by events of one partition
        books.settle(await books.set_aside("Lead", Event(), Spend(0, 20)), Spend(0, 20))
    for place in PLACES[2:]:
        first.lose(place)
        second.gain(place)
    after = accounts(second, Budget(tokens_per_day=1000))
    left = await all_that_is_left(after, (4, 2)) + await all_that_is_left(books, (4, 0))

    assert 800 + left == 1000


@pytest.mark.parametrize("when_spent", ["wait", "reject"])
async def test_what_calls_under_way_have_set_aside_is_waited_for_a_moment(
    when_spent: WhenSpent,
) -> None:
    budget = Budget(tokens_per_day=1000, when_spent=when_spent)
    books = accounts(MemoryTill(PLACES), budget)
    charges = [await books.set_aside("Lead", Event(), Spend(0, 100)) for _ in range(10)]
    with pytest.raises(ModelBusyError) as busy:
        await books.set_aside("Lead", Event(), Spend(0, 100))
    assert (busy.value.code, busy.value.after_s <= 4) == ("budget_held", True)
    for charge in charges:
        books.settle(charge, Spend(0, 10))

    await books.set_aside("Lead", Event(), Spend(0, 900))


async def test_an_agents_budget_is_its_own() -> None:
    till = MemoryTill(PLACES)
    books = accounts(till, Lead=Budget(tokens_per_day=400))
    books.settle(await books.set_aside("Lead", Event(), Spend(0, 400)), None)
    with pytest.raises(ModelBusyError, match="Lead"):
        await books.set_aside("Lead", Event(), Spend(0, 100))
    await books.set_aside("Other", Event(), Spend(0, 10_000))

    assert spent(till, "Lead") == 400


async def test_a_spent_budget_waits_for_midnight_and_looks_again_in_between() -> None:
    clock = FakeClock(NOON)
    books = accounts(MemoryTill(PLACES), Budget(tokens_per_day=100), clock=clock)
    books.settle(await books.set_aside("Lead", Event(), Spend(0, 100)), None)
    with pytest.raises(ModelBusyError) as first:
        await books.set_aside("Lead", Event(), Spend(0, 100))
    clock.advance(12 * 3600 - 60)
    with pytest.raises(ModelBusyError) as last:
        await books.set_aside("Lead", Event(), Spend(0, 100))
    clock.advance(60)
    await books.set_aside("Lead", Event(), Spend(0, 100))

    assert (first.value.after_s, first.value.code) == (RECHECK_S, "budget")
    assert last.value.after_s == 60


async def test_a_budget_that_rejects_makes_dead_letters() -> None:
    books = accounts(MemoryTill(PLACES), Budget(tokens_per_day=0, when_spent="reject"))

    with pytest.raises(ModelRefusedError, match="Today's budget") as refused:
        await books.set_aside("Lead", Event(), Spend(0, 1))
    assert refused.value.code == "budget"


async def test_an_events_own_budget_bites_before_the_call_and_survives_attempts() -> None:
    event, books = Event(), accounts(MemoryTill(PLACES), Budget(usd_per_event=0.01))
    charge = await books.set_aside("Lead", event, Spend(8 * NANOS // 1000, 50))
    assert event.kept == Spend(8 * NANOS // 1000, 50)
    books.settle(charge, Spend(3 * NANOS // 1000, 20))
    await books.settle_event(charge, Spend(3 * NANOS // 1000, 20))

    await books.set_aside("Lead", event, Spend(7 * NANOS // 1000, 50))
    with pytest.raises(ModelRefusedError, match=r"may spend 0\.01 USD") as refused:
        await books.set_aside("Lead", event, Spend(NANOS // 1000, 1))
    assert (refused.value.code, event.kept) == ("budget", Spend(NANOS // 100, 70))


async def test_without_a_budget_nothing_is_written() -> None:
    till = MemoryTill(PLACES)
    books = accounts(till)
    books.settle(await books.set_aside("Lead", Event(), Spend(5, 5)), Spend(5, 5))

    assert till.durable == {}


async def test_what_was_set_aside_yesterday_is_not_given_back_today() -> None:
    clock, till = FakeClock(NOON), MemoryTill(PLACES)
    books = accounts(till, Budget(tokens_per_day=4000), clock=clock)
    charge = await books.set_aside("Lead", Event(), Spend(0, 300))
    clock.advance(86_400)
    today = await books.set_aside("Lead", Event(), Spend(0, 50))
    books.settle(charge, Spend(0, 1))
    books.settle(today, None)

    assert spent(till) == 50


async def test_a_call_whose_partition_has_gone_is_settled_without_harm() -> None:
    till = MemoryTill(PLACES)
    books = accounts(till, Budget(tokens_per_day=4000))
    charge = await books.set_aside("Lead", Event(), Spend(0, 300))
    till.lose((4, 0))
    books.settle(charge, Spend(0, 1))

    assert spent(till) == 300


async def test_four_fifths_of_a_budget_are_told_once_a_day() -> None:
    clock = FakeClock(NOON)
    books = accounts(MemoryTill(PLACES), Budget(tokens_per_day=1000), clock=clock)
    with capture_logs() as logs:
        for _ in range(10):
            books.settle(await books.set_aside("Lead", Event(), Spend(0, 95)), Spend(0, 95))
        clock.advance(86_400)
        for _ in range(10):
            books.settle(await books.set_aside("Lead", Event(), Spend(0, 95)), Spend(0, 95))

    warned = [entry for entry in logs if entry["event"] == "budget_nearly_spent"]
    assert [entry["scope"] for entry in warned] == ["*", "*"]


async def test_calls_that_were_never_made_are_given_back() -> None:
    till, event = MemoryTill(PLACES), Event()
    books = accounts(till, Budget(tokens_per_day=4000, tokens_per_event=1000))
    keep = till.keep

    async def refuses(places: Collection[Place]) -> None:
        await keep(places)
        raise ModelBusyError(1, "the partition was given back", code="budget")

    till.keep = refuses  # type: ignore[method-assign] # as it is in a rebalance
    for _ in range(20):
        with pytest.raises(ModelBusyError):
            await books.set_aside("Lead", event, Spend(0, 500))
    till.keep = keep  # type: ignore[method-assign]
    await books.set_aside("Lead", event, Spend(0, 1000))

    assert (spent(till), event.kept.tokens) == (1000, 1000)


async def test_a_clock_that_is_a_little_behind_gives_no_second_budget() -> None:
    till = MemoryTill(PLACES)
    ahead = accounts(till, Budget(tokens_per_day=1000), clock=FakeClock(MIDNIGHT))
    ahead.settle(await ahead.set_aside("Lead", Event(), Spend(0, 900)), None)
    late = FakeClock(MIDNIGHT - timedelta(seconds=2))
    behind = accounts(till, Budget(tokens_per_day=1000), clock=late)
    behind.settle(await behind.set_aside("Lead", Event(), Spend(0, 50)), None)
    late.advance(5)
    behind.settle(await behind.set_aside("Lead", Event(), Spend(0, 50)), None)

    with pytest.raises(ModelBusyError):
        await behind.set_aside("Lead", Event(), Spend(0, 50))
    assert spent(till) == 1000


async def test_what_all_agents_share_is_theirs_whatever_tables_they_have() -> None:
    places = [*PLACES, *((16, number) for number in range(16))]
    till, shared = MemoryTill(places), Budget(tokens_per_day=2000)
    own = {"Small": Budget(tokens_per_day=300)}
    books = Accounts(shared, own, partitions=20, till=till, clock=FakeClock(NOON))
    small = 0
    while small < 1000:
        try:
            charge = await books.set_aside("Small", Event(), Spend(0, 10))
        except ModelBusyError:
            break
        books.settle(charge, Spend(0, 10))
        small += 10

    assert small == 300
    assert await all_that_is_left(books, (4, 0)) == 1700
    assert (spent(till), spent(till, "Small")) == (2000, 300)


async def test_a_partition_that_moves_takes_no_debt_along_that_others_could_have_paid() -> None:
    till = MemoryTill(PLACES)
    books = accounts(till, Budget(tokens_per_day=100))
    books.settle(await books.set_aside("Lead", Event(), Spend(0, 300)), Spend(0, 90))
    assert spent(till) == 90
    till.lose((4, 0))

    with pytest.raises(ModelBusyError):
        await books.set_aside("Lead", Event((4, 1)), Spend(0, 300))


async def test_what_is_left_is_shown_by_scope_and_refusals_are_counted() -> None:
    till = MemoryTill(PLACES)
    books = accounts(till, Budget(tokens_per_day=1000), Lead=Budget(tokens_per_day=400))
    assert books.left() == {"all": 1.0, "Lead": 1.0}

    await all_that_is_left(books, (4, 0))
    assert books.left() == {"all": pytest.approx(0.6), "Lead": 0.0}
    assert books.refused == {"Lead": 1}


def test_without_a_daily_budget_nothing_is_shown() -> None:
    assert accounts(MemoryTill(PLACES)).left() == {}
    assert accounts(MemoryTill([]), Budget(tokens_per_day=1000)).left() == {"all": 1.0}
