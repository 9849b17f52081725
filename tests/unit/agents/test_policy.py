"""A route's bounds."""

from __future__ import annotations

from typing import Any

import pytest

from streamagents.agents import Route
from streamagents.errors import ConfigurationError


class Agent:
    async def run(self, event: dict[str, Any]) -> None: ...


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"attempts": 1, "timeout_s": 0.001, "backoff_s": 0, "in_flight": 1},
        {"attempts": 1000, "timeout_s": 86_400, "backoff_s": 30, "in_flight": 100_000},
        {"in_flight": None},
    ],
)
def test_a_policy_within_its_bounds_is_taken(policy: dict[str, Any]) -> None:
    route = Route(Agent(), **policy)

    assert {name: getattr(route, name) for name in policy} == policy


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
        ("timeout_s", float("inf")),
        ("timeout_s", "10"),
        ("timeout_s", None),
        ("backoff_s", -1),
        ("backoff_s", 31),
        ("in_flight", 0),
        ("in_flight", 1.5),
    ],
)
def test_a_policy_that_cannot_work_is_refused_with_its_bounds(name: str, value: object) -> None:
    policy: dict[str, Any] = {name: value}

    with pytest.raises(
        ConfigurationError, match=rf"Route\(Agent, {name}=.*\): {name} is a .*between"
    ):
        Route(Agent(), **policy)
