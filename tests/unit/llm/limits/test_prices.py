"""Prices: what an answer cost."""

from __future__ import annotations

from typing import Any

import pytest

from streamagents.errors import ConfigurationError
from streamagents.llm.limits import ModelRate
from streamagents.llm.limits.prices import PRICES, Price, price_of, spend_of
from streamagents.llm.limits.spend import Spend
from streamagents.ports import Usage


@pytest.mark.parametrize(
    ("model", "usage", "usd"),
    [
        ("claude-sonnet-5-5", Usage(1_000_000, 0), 2),
        ("claude-sonnet-5-5", Usage(0, 1_000_000), 10),
        ("claude-sonnet-5-5", Usage(0, 0, 1_000_000, 0), 2.5),
        ("claude-sonnet-5-5", Usage(0, 0, 0, 1_000_000), 0.1),
        ("claude-haiku-4-5", Usage(1000, 200), 0.002),
        ("claude-haiku-4-5-20251001", Usage(1000, 200), 0.002),
        ("claude-haiku-5-5", Usage(100_000, 1000), 0.0105),
        ("claude-haiku-5-5", Usage(100_001, 1000), 0.0525005),
        ("claude-haiku-5-5", Usage(1, 1000, 50_000, 50_000), 0.0362505),
    ],
)
def test_an_answer_costs_what_the_price_list_says(model: str, usage: Usage, usd: float) -> None:
    price = price_of(model, {})
    assert price is not None

    assert spend_of(usage, price).usd == pytest.approx(usd, abs=1e-9)


@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf"), "3", True])
def test_a_price_or_a_rate_that_cannot_work_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Price\(output="):
        Price(input=1, output=wrong)
    with pytest.raises(ConfigurationError, match="requests_per_minute"):
        ModelRate(requests_per_minute=wrong)


def test_an_unknown_model_costs_tokens_and_no_known_money() -> None:
    assert price_of("claude-new-9", {}) is None
    assert spend_of(Usage(10, 5, 3, 2), None) == Spend(0, 20)


def test_a_price_of_the_user_goes_before_ours_and_also_for_a_dated_name() -> None:
    own = Price(input=7, output=7)

    assert price_of("claude-opus-5", {"claude-opus-5": own}) is own
    assert price_of("claude-opus-5-20260724", {"claude-opus-5": own}) is own


@pytest.mark.parametrize("price", PRICES.values())
def test_a_cache_is_cheaper_to_read_and_dearer_to_write_than_plain_input(price: Price) -> None:
    plain = price.nanos(Usage(1000))

    assert price.nanos(Usage(0, 0, 0, 1000)) < plain < price.nanos(Usage(0, 0, 1000, 0))


def test_a_day_of_tiny_calls_loses_nothing_to_rounding() -> None:
    price = price_of("claude-haiku-5-5", {})
    one, all_ = spend_of(Usage(7, 3), price), spend_of(Usage(7000, 3000), price)

    assert one.nanos * 1000 == all_.nanos
