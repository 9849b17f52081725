"""The starter app's webhooks: Stripe, Typeform and Slack become events; GitHub is left as it is.

Each works once its preset and secret are set, `STREAMAGENTS_HOOK_STRIPE_PRESET=stripe`. What is not
mapped goes to the fallback agent.
"""

from __future__ import annotations

from typing import Any

from streamagents.pipeline.mapping import FieldMap
from streamagents.starter.events import (
    FormSubmit,
    Mention,
    PaymentFailed,
    PaymentSucceeded,
)
from streamagents.triggers import Hook, To

_CUSTOMER = "data.object.customer.id || data.object.customer"
"""An object if the endpoint expands it."""

_INVOICE = {
    "id": "id",
    "customer_id": f"{_CUSTOMER} || data.object.customer_email",
    "invoice_id": "data.object.id",
    "currency": "data.object.currency",
}
_INVOICE_FAILED = {
    **_INVOICE,
    "email": "data.object.customer_email",
    "name": "data.object.customer_name",
    "amount_minor": "data.object.amount_remaining || data.object.amount_due",
    "attempt": "data.object.attempt_count",
    "decline_code": "data.object.payment_intent.last_payment_error.decline_code",
    "decline_reason": "data.object.payment_intent.last_payment_error.message",
}
_INVOICE_PAID = {**_INVOICE, "amount_minor": "data.object.amount_paid"}

# A charge without an invoice goes by its payment: what fails and what comes later share it.
_CHARGE = {
    "id": "id",
    "customer_id": f"{_CUSTOMER} || data.object.billing_details.email",
    "invoice_id": "data.object.payment_intent.id || data.object.payment_intent || data.object.id",
    "amount_minor": "data.object.amount",
    "currency": "data.object.currency",
}
_CHARGE_FAILED = FieldMap(
    {
        **_CHARGE,
        "email": "data.object.billing_details.email || data.object.receipt_email",
        "name": "data.object.billing_details.name",
        "decline_code": "data.object.outcome.reason || data.object.failure_code",
        "decline_reason": "data.object.failure_message",
    }
)
_CHARGE_SUCCEEDED = FieldMap(_CHARGE)


def charge_failed(payload: dict[str, Any]) -> PaymentFailed | None:
    """A charge of no invoice; those of one are told by `invoice.payment_failed`."""
    return None if _of_an_invoice(payload) else PaymentFailed(**_CHARGE_FAILED(payload))


def charge_succeeded(payload: dict[str, Any]) -> PaymentSucceeded | None:
    """Likewise, and `invoice.paid`."""
    return None if _of_an_invoice(payload) else PaymentSucceeded(**_CHARGE_SUCCEEDED(payload))


def _of_an_invoice(payload: dict[str, Any]) -> bool:
    return bool(payload["data"]["object"].get("invoice"))


def form_response(payload: dict[str, Any]) -> FormSubmit:
    """A response to a Typeform: each answer under its question."""
    response = payload["form_response"]
    definition = response.get("definition") or {}
    titles = {field["id"]: field["title"] for field in definition.get("fields", [])}
    given = response.get("answers") or []
    hidden = response.get("hidden") or {}
    return FormSubmit(
        id=payload.get("event_id"),
        email=_first(given, "email") or hidden.get("email"),
        name=hidden.get("name"),
        form=definition.get("title") or response.get("form_id"),
        consent=_consent(given),
        answers={
            **hidden,
            **{
                titles.get(one["field"]["id"]) or one["field"].get("ref", "?"): _value(one)
                for one in given
            },
        },
    )


def _first(given: list[dict[str, Any]], kind: str) -> Any:
    return next((one[kind] for one in given if one["type"] == kind), None)


def _consent(given: list[dict[str, Any]]) -> bool | None:
    """What was answered to a question of the type legal."""
    asked = [one["boolean"] for one in given if one["field"].get("type") == "legal"]
    return all(asked) if asked else None


def _value(one: dict[str, Any]) -> Any:
    """An answer lies under the name of its type; of a choice its label counts."""
    value: Any = one[one["type"]]
    if one["type"] == "choice":
        return value.get("label") or value.get("other")
    if one["type"] == "choices":
        return [*value.get("labels", []), *([value["other"]] if value.get("other") else [])]
    return value


def said_in_slack(payload: dict[str, Any]) -> Mention | None:
    """What a person writes; not what bots post (our own messages, too), edit or delete."""
    event = payload["event"]
    bots = [one.get("user_id") for one in payload.get("authorizations") or []]
    told_twice = event["type"] == "message" and any(f"<@{bot}>" in event["text"] for bot in bots)
    if event.get("bot_id") or event.get("subtype") not in {None, "file_share"} or told_twice:
        return None
    return Mention(
        id=payload.get("event_id"),
        text=event["text"],
        author=event.get("user"),
        platform="slack",
    )


HOOKS = (
    Hook(
        "stripe",
        {
            "invoice.payment_failed": To(PaymentFailed, _INVOICE_FAILED),
            "invoice.paid": To(PaymentSucceeded, _INVOICE_PAID),
            "invoice.payment_succeeded": To(PaymentSucceeded, _INVOICE_PAID),
            "charge.failed": charge_failed,
            "charge.succeeded": charge_succeeded,
        },
    ),
    Hook("typeform", {"form_response": form_response}, emits=[FormSubmit]),
    Hook("slack", {"app_mention": said_in_slack, "message": said_in_slack}, emits=[Mention]),
)
