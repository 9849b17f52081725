"""The starter's event models: topics, keys, ids, and what they forgive."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from streamagents.agents import build_registry
from streamagents.starter.events import (
    BrokenLink,
    CompetitorPost,
    CompetitorPostRead,
    FormSubmit,
    LeadScored,
    LinkReported,
    Mention,
    MentionClassified,
    NewLead,
    OnboardingStarted,
    PaymentFailed,
    PaymentFollowUp,
    PaymentSucceeded,
    RecoveryEnded,
    RecoveryPlanned,
    ReviewNeeded,
    UnknownEventSeen,
)
from streamagents.starter.registry import AGENT_REGISTRY, EMITS, FALLBACK

if TYPE_CHECKING:
    from streamagents.events import Event


@pytest.mark.parametrize(
    ("model", "topic", "key", "id_"),
    [
        (NewLead, "new_lead", "email", "id"),
        (PaymentFailed, "payment_failed", "customer_id", "id"),
        (Mention, "mention", "author", "id"),
        (FormSubmit, "form_submit", "email", "id"),
        (PaymentSucceeded, "payment_succeeded", "customer_id", "id"),
        (PaymentFollowUp, "payment_follow_up", "customer_id", None),
        (CompetitorPost, "competitor_post", "company", "id"),
        (BrokenLink, "broken_link", "url", "id"),
        (LeadScored, "lead_scored", "subject", None),
        (RecoveryPlanned, "recovery_planned", "subject", None),
        (MentionClassified, "mention_classified", "subject", None),
        (OnboardingStarted, "onboarding_started", "subject", None),
        (RecoveryEnded, "recovery_ended", "subject", None),
        (CompetitorPostRead, "competitor_post_read", "subject", None),
        (LinkReported, "link_reported", "subject", None),
        (ReviewNeeded, "review_needed", "subject", None),
        (UnknownEventSeen, "unknown_event_seen", "type", None),
    ],
)
def test_a_model_names_its_topic_key_and_id(
    model: type[Event], topic: str, key: str, id_: str | None
) -> None:
    named = model.event_type
    assert (named.type, named.topic, named.key, named.id) == (topic, topic, key, id_)


def test_the_registry_is_sound_and_declares_everything_it_emits() -> None:
    registry = build_registry(AGENT_REGISTRY, fallback=FALLBACK, emits=EMITS)
    assert len(registry.events) == 17
    assert {r.name for r in registry.agents.values()} == {
        "LeadEnrichmentAgent", "RecoveryAgent", "MonitoringAgent", "OnboardingAgent",
        "CompetitorAgent", "LinkAgent",
    }  # fmt: skip
    assert all(r.model and r.wants_context and r.is_async for r in registry.agents.values())
    assert registry.fallback.model is None
    assert {r.model for r in registry.agents.values() if r.name == "RecoveryAgent"} == {
        PaymentFailed, PaymentSucceeded, PaymentFollowUp,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("model", "least"),
    [
        (NewLead, {"email": "a@acme.io"}),
        (PaymentFailed, {"customer_id": 17}),
        (Mention, {"text": ""}),
        (FormSubmit, {}),
        (PaymentSucceeded, {"customer_id": 17}),
        (CompetitorPost, {"company": "Beta", "text": ""}),
        (BrokenLink, {"url": "x"}),
    ],
)
def test_few_fields_are_needed_and_unknown_ones_are_no_fault(
    model: type[Event], least: dict[str, Any]
) -> None:
    blank = {name: None for name in model.model_fields if name not in least}
    assert model.model_validate(least | blank | {"unheard_of": [1]}) == model.model_validate(least)


def test_an_id_may_be_a_number_and_a_blank_one_is_none() -> None:
    assert Mention.model_validate({"text": "x", "id": 7}).event_id() == "7"
    assert Mention.model_validate({"text": "x", "id": " "}).event_id() is None


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (NewLead, {}),
        (NewLead, {"email": 5}),
        (NewLead, {"email": "nobody"}),
        (NewLead, {"email": "a@acme.io", "company": {"name": "Acme"}}),
        (PaymentFailed, {"amount": 5}),
        (PaymentFailed, {"customer_id": " "}),
        (PaymentFailed, {"customer_id": "c" * 600}),
        (Mention, {"text": None}),
        (Mention, {"text": "x", "author": "a" * 600}),
        (FormSubmit, {"email": "nobody"}),
        (FormSubmit, {"answers": "yes"}),
        (PaymentFollowUp, {"customer_id": "c", "case": "e", "step": 0}),
        (CompetitorPost, {"company": " "}),
        (BrokenLink, {"url": "x" * 3000}),
        (BrokenLink, {"url": "x", "since": "yesterday"}),
    ],
)
def test_what_cannot_be_meant_is_invalid(model: type[Event], data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(data)


@pytest.mark.parametrize(
    "written", ["2026-03-01T08:00:00Z", "2026-03-01T09:00:00+01:00", "2026-03-01T08:00:00"]
)
def test_a_moment_is_read_in_utc(written: str) -> None:
    link = BrokenLink.model_validate({"url": "x", "since": written})
    assert link.since == datetime(2026, 3, 1, 8, tzinfo=UTC)
