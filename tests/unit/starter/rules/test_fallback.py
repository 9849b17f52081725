"""The rules for events of unknown types."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from streamagents.starter.kinds import KnownType
from streamagents.starter.registry import AGENT_REGISTRY
from streamagents.starter.rules.fallback import KNOWN, TELLING, describe, view


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"": None},
        {"\x00\n": "🙂"},
        {f"field{n}": n for n in range(5000)},
        {"x" * 10_000: float("nan")},
        {"text": "y" * 1_000_000},
    ],
)
def test_whatever_comes_is_described_within_bounds(event: dict[str, Any]) -> None:
    seen = describe(event, type_="t" * 9000, topic="streamagents.inbox", source="")
    assert seen.field_count == len(event)
    assert len(seen.model_dump_json()) < 10_000
    assert len(view(event, "t" * 9000).summary) < 300


@pytest.mark.parametrize(
    ("type_", "event", "looks_like"),
    [
        ("NewLead", {"email": "a@b.io", "company": "B"}, "new_lead"),
        ("x", {"email": "a@b.io", "company": "B", "message": "hi"}, "new_lead"),
        ("x", {"email": "a@b.io", "company": "B"}, None),
        ("invoice.payment_failed", {"customer_id": 1, "amount": 2}, "payment_failed"),
        ("tweet", {"author": "a", "text": "b"}, "mention"),
        ("tweet", {"author": "a"}, None),
        ("dead_link", {"url": "u", "status": 404}, "broken_link"),
        ("new_lead", {}, None),
    ],
)
def test_an_event_looks_like_the_model_that_has_its_fields(
    type_: str, event: dict[str, Any], looks_like: str | None
) -> None:
    seen = view(event, type_)
    assert seen.looks_like == looks_like
    assert (looks_like or "fields") in seen.summary


@pytest.mark.parametrize(
    ("type_", "noise"),
    [
        ("ping", True), ("health_check", True), ("SmokeTest", True), ("", False),
        ("test_results_ready", False), ("heartbeat_lost", False), ("order", False),
    ],
)  # fmt: skip
def test_a_sign_of_life_is_told_from_an_event(type_: str, *, noise: bool) -> None:
    assert view({"n": 1}, type_).noise is noise


def test_every_type_that_somebody_sends_can_be_recognised() -> None:
    sent = AGENT_REGISTRY.keys() - {"payment_follow_up"}

    assert set(get_args(KnownType)) == sent
    assert {model.event_type.type for model in KNOWN} == set(TELLING) == sent
