"""The policy of a delivery, and what a channel is told of an effect."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from streamagents.actions import Deliverer, Delivery, Effect, LogChannel
from streamagents.actions.deliver import route_of
from streamagents.errors import ConfigurationError
from streamagents.testing import FakeClock


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"attempts": 1, "timeout_s": 0.001, "backoff_s": 0, "in_flight": 1},
        {"attempts": 1000, "timeout_s": 86_400, "backoff_s": 30, "in_flight": 100_000},
        {"per_second": None, "on_unknown": "review"},
        {"per_second": 100_000, "on_unknown": "resend"},
        {"per_second": 0.0001, "timeout_s": 86_400},
    ],
)
def test_a_policy_within_its_bounds_is_taken(policy: dict[str, Any]) -> None:
    delivery = Delivery(LogChannel(), **policy)

    assert {name: getattr(delivery, name) for name in policy} == policy


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("attempts", 0),
        ("attempts", 1001),
        ("attempts", 2.5),
        ("attempts", None),
        ("attempts", True),
        ("timeout_s", 0),
        ("timeout_s", 86_401),
        ("timeout_s", float("nan")),
        ("timeout_s", "10"),
        ("timeout_s", None),
        ("backoff_s", -1),
        ("backoff_s", 31),
        ("in_flight", 0),
        ("in_flight", 1.5),
        ("in_flight", None),
        ("per_second", 0),
        ("per_second", -1),
        ("per_second", True),
        ("per_second", float("inf")),
        ("per_second", "5"),
    ],
)
def test_a_policy_that_cannot_work_is_refused_with_its_bounds(name: str, value: object) -> None:
    policy: dict[str, Any] = {name: value}

    with pytest.raises(
        ConfigurationError, match=rf"Delivery\(LogChannel, {name}=.*\): {name} is a .*between"
    ):
        Delivery(LogChannel(), **policy)


@pytest.mark.parametrize("value", ["", "retry", None, True])
def test_an_unknown_outcome_is_resent_or_reviewed(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"on_unknown=.*\): say 'resend' or 'review'"):
        Delivery(LogChannel(), on_unknown=value)


@pytest.mark.parametrize(
    ("policy", "at_once"),
    [
        ({}, 10),
        ({"per_second": 5}, 10),
        ({"per_second": 0.5}, 7),
        ({"per_second": 0.1}, 1),
        ({"per_second": 0.1, "timeout_s": 60}, 3),
        ({"per_second": 100, "in_flight": 3}, 3),
    ],
)
def test_no_more_are_delivered_at_once_than_get_their_turn_in_time(
    policy: dict[str, Any], at_once: int
) -> None:
    assert Delivery(LogChannel(), **policy).at_once == at_once


def test_a_rate_that_leaves_no_time_to_deliver_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"wait 100 s for its turn, and timeout_s=30 is"):
        Delivery(LogChannel(), per_second=0.01)


def test_a_delivery_is_run_like_an_agent() -> None:
    delivery = Delivery(LogChannel(), attempts=7, timeout_s=20, backoff_s=2, per_second=0.5)

    route = route_of(delivery, FakeClock())

    assert isinstance(route.agent, Deliverer)
    assert (route.attempts, route.timeout_s, route.backoff_s, route.in_flight) == (7, 20, 2, 5)


def test_an_idempotency_key_is_a_uuid_that_stays_the_same() -> None:
    """Were it another one after an update, every effect under way would be a new one."""
    effect = Effect(id="e-1/note", source="streamagents/crm/lead", attempt=1)
    again = Effect(id="e-1/note", source="streamagents/crm/lead", attempt=2, interrupted=True)

    assert effect.idempotency_key == again.idempotency_key
    assert effect.idempotency_key == "ea157448-213f-5cc8-b1b8-032f160ec7ef"
    assert UUID(effect.idempotency_key).version == 5


def test_effects_of_another_id_or_source_have_another_key() -> None:
    effects = [
        Effect(id="e-1/a", source="s"),
        Effect(id="e-1/b", source="s"),
        Effect(id="e-1/a", source="t"),
        Effect(id="e-1/a"),
    ]

    assert len({effect.idempotency_key for effect in effects}) == 4
