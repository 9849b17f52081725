"""Wallets: a partition's slice of a day's budget."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamagents.agents.budget import Budget
from streamagents.errors import ConfigurationError
from streamagents.llm.limits.spend import NANOS, Spend
from streamagents.llm.limits.wallet import (
    EVERYBODY,
    Place,
    Refused,
    Scope,
    Wallet,
    corrections,
    day_of,
    draw,
    next_day,
    scope_of,
    used_ratio,
)
from streamagents.pipeline.mark import NewerFormatError

OWN = (4, 1)


def scope(usd: float | None = None, tokens: int | None = None, *, name: str = EVERYBODY) -> Scope:
    """A budget over four partitions."""
    found = scope_of(name, Budget(usd_per_day=usd, tokens_per_day=tokens), 4)
    assert found is not None
    return found


def wallets(*spent: int, name: str = EVERYBODY) -> dict[Place, Wallet]:
    """Partitions that have spent so many tokens today."""
    return {
        (4, number): Wallet("today", {name: Spend(tokens * NANOS, tokens)})
        for number, tokens in enumerate(spent)
    }


def test_a_call_is_paid_from_the_slice_of_its_own_partition() -> None:
    assert draw(wallets(0, 0), [scope(tokens=400)], Spend(0, 30), own=OWN, alone=False) == {
        OWN: Spend(0, 30)
    }


def test_what_does_not_fit_there_is_taken_from_the_fullest() -> None:
    parts = draw(wallets(70, 90, 20), [scope(tokens=400)], Spend(0, 50), own=OWN, alone=False)

    assert parts == {OWN: Spend(0, 10), (4, 2): Spend(0, 40)}


def test_what_the_worker_has_not_is_refused() -> None:
    full = wallets(100, 100, 60, 100)

    assert draw(full, [scope(tokens=400)], Spend(0, 50), own=OWN, alone=False) == Refused(EVERYBODY)


def test_one_call_alone_may_overrun_what_is_left_and_its_own_partition_owes_it() -> None:
    left = wallets(100, 100, 60, 100)

    assert draw(left, [scope(tokens=400)], Spend(0, 50), own=OWN, alone=True) == {
        OWN: Spend(0, 10),
        (4, 2): Spend(0, 40),
    }


def test_nothing_left_is_nothing_also_for_one_alone() -> None:
    spent = wallets(100, 130, 100, 100)

    assert draw(spent, [scope(tokens=400)], Spend(0, 1), own=OWN, alone=True) == Refused(EVERYBODY)


def test_what_one_partition_owes_is_not_there_for_the_others() -> None:
    owing = wallets(150, 60)

    assert draw(owing, [scope(tokens=400)], Spend(0, 1), own=OWN, alone=True) == Refused(EVERYBODY)


def test_every_budget_has_to_have_room() -> None:
    everybody, agent = scope(tokens=400), scope(tokens=40, name="Lead")
    full = {OWN: Wallet("today", {"Lead": Spend(0, 10)})}

    assert draw(full, [everybody, agent], Spend(0, 5), own=OWN, alone=False) == Refused("Lead")


def test_money_and_tokens_both_count() -> None:
    both = scope(usd=4, tokens=4_000_000)
    much = Spend(2 * NANOS, 10)

    assert draw(wallets(0), [both], much, own=(4, 0), alone=False) == Refused(EVERYBODY)
    assert draw(wallets(0), [both], Spend(1, 2_000_000), own=(4, 0), alone=False) == Refused(
        EVERYBODY
    )


@given(
    spent=st.lists(st.integers(0, 120), min_size=1, max_size=4),
    estimate=st.integers(1, 300),
    alone=st.booleans(),
)
def test_no_slice_is_overdrawn_but_by_one_call_alone(
    *, spent: list[int], estimate: int, alone: bool
) -> None:
    own = (4, 0)
    owned = wallets(*spent)
    parts = draw(owned, [scope(tokens=400)], Spend(0, estimate), own=own, alone=alone)
    if isinstance(parts, Refused):
        return
    assert sum(part.tokens for part in parts.values()) == pytest.approx(estimate, abs=2)
    if sum(100 - tokens for tokens in spent) >= estimate and max(spent) <= 100:
        for place, part in parts.items():
            assert spent[place[1]] + part.tokens <= 101


def test_a_new_day_begins_with_nothing_spent() -> None:
    wallet = Wallet("2026-11-22", {EVERYBODY: Spend(5, 5)})
    wallet.turn("2026-11-22")
    assert wallet.spent == {EVERYBODY: Spend(5, 5)}
    wallet.turn("2026-11-23")

    assert (wallet.day, wallet.spent) == ("2026-11-23", {})


@pytest.mark.parametrize(
    ("now", "day", "left_s"),
    [
        (datetime(2026, 11, 23, 23, 59, 30, tzinfo=UTC), "2026-11-23", 30),
        (datetime(2026, 11, 24, 0, 0, tzinfo=UTC), "2026-11-24", 86_400),
        (datetime(2026, 11, 24, 0, 30, tzinfo=timezone(timedelta(hours=1))), "2026-11-23", 1800),
    ],
)
def test_a_day_is_one_of_utc(now: datetime, day: str, left_s: float) -> None:
    assert day_of(now) == day
    assert (next_day(now) - now).total_seconds() == left_s


def test_how_much_is_used_is_told_by_the_scarcer_of_money_and_tokens() -> None:
    owned = {OWN: Wallet("today", {EVERYBODY: Spend(NANOS // 2, 90)})}

    assert used_ratio(owned, scope(usd=4, tokens=400)) == pytest.approx(0.9)
    assert used_ratio(owned, scope(usd=4)) == pytest.approx(0.5)
    assert used_ratio({}, scope(usd=4)) == 1


def test_a_wallet_survives_its_bytes() -> None:
    wallet = Wallet("2026-11-23", {EVERYBODY: Spend(12, 3), "Lead": Spend(1, 1)})

    assert Wallet.decode(wallet.encode()) == wallet
    assert Wallet.decode(None) == Wallet()
    with pytest.raises(NewerFormatError):
        Wallet.decode(b"\xff[]")


@pytest.mark.parametrize(
    "wrong", [{"usd_per_day": -1}, {"tokens_per_event": "many"}, {"when_spent": "cry"}]
)
def test_a_budget_that_cannot_work_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        Budget(**wrong)  # type: ignore[arg-type]


def test_no_daily_limit_is_no_scope() -> None:
    assert scope_of(EVERYBODY, Budget(usd_per_event=1), 4) is None


@pytest.mark.parametrize(
    ("difference", "changes"),
    [
        (Spend(0, 0), [Spend(0, 0), Spend(0, 0)]),
        (Spend(-5, -30), [Spend(-5, -30), Spend(0, 0)]),
        (Spend(-10, -250), [Spend(-10, -200), Spend(0, -50)]),
        (Spend(7, 7), [Spend(7, 7), Spend(0, 0)]),
        (Spend(7, -220), [Spend(7, -200), Spend(0, -20)]),
    ],
)
def test_who_has_spent_most_gets_back_first(difference: Spend, changes: list[Spend]) -> None:
    parts: dict[Place, Spend] = {(4, 0): Spend(10, 200), (4, 1): Spend(10, 100)}
    all_of_it: dict[Place, Spend] = {(4, 0): Spend(20, 210), (4, 1): Spend(15, 100)}

    assert list(corrections(parts, all_of_it, difference).values()) == changes
