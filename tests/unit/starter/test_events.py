"""The starter's event models: topics, keys, ids, and what they forgive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from streamagents.agents import build_registry
from streamagents.starter.events import (
    FormSubmit,
    LeadScored,
    Mention,
    MentionClassified,
    NewLead,
    OnboardingStarted,
    PaymentFailed,
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
        (LeadScored, "lead_scored", "subject", None),
        (RecoveryPlanned, "recovery_planned", "subject", None),
        (MentionClassified, "mention_classified", "subject", None),
        (OnboardingStarted, "onboarding_started", "subject", None),
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
    assert len(registry.events) == 10
    assert {r.name for r in registry.agents.values()} == {
        "LeadEnrichmentAgent", "RecoveryAgent", "MonitoringAgent", "OnboardingAgent",
    }  # fmt: skip
    assert all(r.model and r.wants_context and r.is_async for r in registry.agents.values())
    assert registry.fallback.model is None


@pytest.mark.parametrize(
    ("model", "least"),
    [
        (NewLead, {"email": "a@acme.io"}),
        (PaymentFailed, {"customer_id": 17}),
        (Mention, {"text": ""}),
        (FormSubmit, {}),
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
    ],
)
def test_what_cannot_be_meant_is_invalid(model: type[Event], data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(data)
