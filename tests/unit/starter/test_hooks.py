"""The starter's webhooks, on payloads in the shapes that the senders' documentation shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamagents.agents import build_registry
from streamagents.starter.hooks import HOOKS
from streamagents.starter.registry import AGENT_REGISTRY, EMITS, FALLBACK
from streamagents.triggers.hooks.config import HookConfig
from streamagents.triggers.hooks.deliveries import Delivery, read
from streamagents.triggers.hooks.received import Received, strict_json

HOOK = {hook.name: hook for hook in HOOKS}


def drafts(source: str, payload: dict[str, Any]) -> list[tuple[str, Any]] | None:
    config = HookConfig.model_validate({"preset": source, "secret": "s"})
    delivery = read(config, Received.of((), json.dumps(payload).encode()))
    assert isinstance(delivery, Delivery)
    found = HOOK[source].drafts(delivery)
    return None if found is None else [(one.type, strict_json(one.value)) for one in found]


def present(data: Any) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value is not None}


def invoice(type_: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "evt_1Pq",
        "object": "event",
        "api_version": "2024-06-20",
        "created": 1719820000,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": type_,
        "data": {
            "object": {
                "id": "in_1Pq",
                "object": "invoice",
                "amount_due": 4900,
                "amount_paid": 0,
                "amount_remaining": 4900,
                "attempt_count": 2,
                "attempted": True,
                "billing_reason": "subscription_cycle",
                "currency": "eur",
                "customer": "cus_Q1",
                "customer_email": "ann@example.com",
                "customer_name": "Ann Nord",
                "payment_intent": "pi_3Pq",
                "status": "open",
                **more,
            }
        },
    }


def charge(type_: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "evt_2",
        "object": "event",
        "type": type_,
        "data": {
            "object": {
                "id": "ch_1",
                "object": "charge",
                "amount": 1900,
                "currency": "usd",
                "customer": "cus_Q1",
                "billing_details": {"email": "ann@example.com", "name": "Ann Nord"},
                "failure_code": "card_declined",
                "failure_message": "Your card has insufficient funds.",
                "outcome": {"type": "issuer_declined", "reason": "insufficient_funds"},
                "payment_intent": "pi_1",
                "invoice": None,
                **more,
            }
        },
    }


def test_an_invoice_that_was_not_paid_is_a_failed_payment_in_cents() -> None:
    assert drafts("stripe", invoice("invoice.payment_failed")) == [
        (
            "payment_failed",
            {
                "id": "evt_1Pq",
                "customer_id": "cus_Q1",
                "invoice_id": "in_1Pq",
                "currency": "eur",
                "email": "ann@example.com",
                "name": "Ann Nord",
                "amount_minor": 4900,
                "attempt": 2,
            },
        )
    ]


def test_what_the_endpoint_expands_is_read_too() -> None:
    error = {"decline_code": "insufficient_funds", "message": "Your card has insufficient funds."}
    ((_, data),) = drafts(
        "stripe",
        invoice(
            "invoice.payment_failed",
            customer={"id": "cus_Q1", "object": "customer"},
            payment_intent={"id": "pi_3Pq", "last_payment_error": error},
        ),
    ) or [("", {})]

    assert data["customer_id"] == "cus_Q1"
    assert data["decline_code"] == "insufficient_funds"


@pytest.mark.parametrize("type_", ["invoice.paid", "invoice.payment_succeeded"])
def test_an_invoice_that_was_paid_is_a_payment(type_: str) -> None:
    assert drafts("stripe", invoice(type_, amount_paid=4900, amount_remaining=0)) == [
        (
            "payment_succeeded",
            {
                "id": "evt_1Pq",
                "customer_id": "cus_Q1",
                "invoice_id": "in_1Pq",
                "currency": "eur",
                "amount_minor": 4900,
            },
        )
    ]


def test_a_charge_alone_goes_by_its_payment_and_one_of_an_invoice_is_told_by_that() -> None:
    ((failed, data),) = drafts("stripe", charge("charge.failed")) or [("", {})]
    ((paid, later),) = drafts("stripe", charge("charge.succeeded")) or [("", {})]

    assert (failed, paid) == ("payment_failed", "payment_succeeded")
    assert data["invoice_id"] == later["invoice_id"] == "pi_1"
    assert (data["amount_minor"], data["decline_code"]) == (1900, "insufficient_funds")
    assert drafts("stripe", charge("charge.failed", invoice="in_1")) == []
    assert drafts("stripe", charge("charge.succeeded", invoice="in_1")) == []


FORM = {
    "event_id": "LtWXD3crgy",
    "event_type": "form_response",
    "form_response": {
        "form_id": "lT4Z3j",
        "token": "a3a12ec67a1365927098a606107fac15",
        "submitted_at": "2026-01-18T18:17:02Z",
        "hidden": {"plan": "team"},
        "definition": {
            "id": "lT4Z3j",
            "title": "Get started",
            "fields": [
                {"id": "q1", "title": "What do you do?", "type": "long_text", "ref": "r1"},
                {"id": "q2", "title": "Your e-mail?", "type": "email", "ref": "r2"},
                {"id": "q3", "title": "Which tools?", "type": "multiple_choice", "ref": "r3"},
                {"id": "q4", "title": "May we write to you?", "type": "legal", "ref": "r4"},
                {"id": "q5", "title": "How many are you?", "type": "number", "ref": "r5"},
                {"id": "q6", "title": "Where?", "type": "dropdown", "ref": "r6"},
            ],
        },
        "answers": [
            {"type": "text", "text": "Boats", "field": {"id": "q1", "type": "long_text"}},
            {"type": "email", "email": "bo@example.com", "field": {"id": "q2", "type": "email"}},
            {
                "type": "choices",
                "choices": {"labels": ["Slack"], "other": "Fax"},
                "field": {"id": "q3", "type": "multiple_choice"},
            },
            {"type": "boolean", "boolean": True, "field": {"id": "q4", "type": "legal"}},
            {"type": "number", "number": 12, "field": {"id": "q5", "type": "number"}},
            {"type": "choice", "choice": {"label": "Bergen"}, "field": {"id": "q6"}},
        ],
    },
}


def test_a_typeform_is_its_questions_and_answers() -> None:
    ((type_, data),) = drafts("typeform", FORM) or [("", {})]

    assert type_ == "form_submit"
    assert present(data) == {
        "id": "LtWXD3crgy",
        "email": "bo@example.com",
        "form": "Get started",
        "consent": True,
        "answers": {
            "plan": "team",
            "What do you do?": "Boats",
            "Your e-mail?": "bo@example.com",
            "Which tools?": ["Slack", "Fax"],
            "May we write to you?": True,
            "How many are you?": 12,
            "Where?": "Bergen",
        },
    }


def slack(**event: Any) -> dict[str, Any]:
    return {
        "token": "z26uFbvR1xHJEdHE1OQiO6t8",
        "team_id": "T123ABC456",
        "type": "event_callback",
        "event_id": "Ev123ABC456",
        "event_time": 1515449522,
        "authorizations": [{"team_id": "T123ABC456", "user_id": "U0LAN0Z89", "is_bot": True}],
        "event": {
            "type": "app_mention",
            "user": "U061F7AUR",
            "text": "<@U0LAN0Z89> is everything down again?",
            "ts": "1515449522.000016",
            "channel": "C123ABC456",
            **event,
        },
    }


def test_what_a_person_says_in_slack_is_a_mention() -> None:
    ((type_, data),) = drafts("slack", slack()) or [("", {})]

    assert type_ == "mention"
    assert present(data) == {
        "id": "Ev123ABC456",
        "text": "<@U0LAN0Z89> is everything down again?",
        "author": "U061F7AUR",
        "platform": "slack",
    }


@pytest.mark.parametrize(
    "event",
    [
        {"bot_id": "B1"},
        {"type": "message", "subtype": "message_changed", "text": ""},
        {"type": "message"},
    ],
)
def test_bots_edits_and_what_comes_twice_are_nothing(event: dict[str, Any]) -> None:
    assert drafts("slack", slack(**event)) == []


def test_a_message_that_names_nobody_is_one_too() -> None:
    assert drafts("slack", slack(type="message", text="down again"))


def test_what_nobody_maps_is_left_as_it_is() -> None:
    assert drafts("stripe", invoice("invoice.voided")) is None
    assert drafts("typeform", {**FORM, "event_type": "form_response_partial"}) is None
    assert "github" not in HOOK


def test_each_event_has_an_agent() -> None:
    made = {model for hook in HOOKS for model in hook.emits}
    registry = build_registry(AGENT_REGISTRY, fallback=FALLBACK, emits=[*EMITS, *made])

    assert {model.event_type.type for model in made} <= set(registry.agents)
