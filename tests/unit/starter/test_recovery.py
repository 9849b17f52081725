"""The recovery agent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from streamagents.starter.events import PaymentFailed, RecoveryPlanned, ReviewNeeded
from streamagents.starter.recovery import (
    Decline,
    Plan,
    RecoveryAgent,
    decline_class,
    draft,
    plan,
    retry_dates,
)
from streamagents.testing import FakeContext

if TYPE_CHECKING:
    from streamagents.events import Event

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
PLAIN = {
    "customer_id": "cus_1", "amount": "49.00", "currency": "EUR",
    "decline_code": "insufficient_funds",
}  # fmt: skip


def payment(**fields: Any) -> PaymentFailed:
    return PaymentFailed(**(PLAIN | fields))


def planned(**fields: Any) -> Plan:
    return plan(payment(**fields), failed_at=NOW, now=NOW)


async def emitted(event: PaymentFailed) -> list[Event]:
    """What the agent emits when it handles this event."""
    ctx = FakeContext(now=NOW, type="payment_failed")
    await RecoveryAgent().run(event, ctx)
    return ctx.emitted


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("insufficient_funds", "temporary"),
        (" Insufficient-Funds ", "temporary"),
        ("AM04", "temporary"),
        ("expired card", "card"),
        ("stolen_card", "fraud"),
        ("generic_decline", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
        ("x" * 100_000, "unknown"),
        ("不足", "unknown"),
    ],
)
def test_a_decline_code_belongs_to_one_class(code: str | None, kind: str) -> None:
    assert decline_class(code) == kind


@pytest.mark.parametrize(
    ("decline", "attempt", "days"),
    [
        ("temporary", 1, [1, 3, 7]),
        ("temporary", 2, [2, 6]),
        ("temporary", 4, []),
        ("unknown", 1, [3, 7]),
        ("card", 1, []),
        ("fraud", 1, []),
        ("temporary", 10**12, []),
    ],
)
def test_each_attempt_uses_up_one_retry(decline: Decline, attempt: int, days: list[int]) -> None:
    dates = retry_dates(decline, attempt=attempt, failed_at=NOW, now=NOW)
    assert [(date - NOW).days for date in dates] == days


@pytest.mark.parametrize("failed_at", [datetime.min, datetime.max, datetime(2026, 3, 1)])  # noqa: DTZ001,DTZ901 - made aware below
def test_no_retry_is_dated_in_the_past_or_by_a_wrong_clock(failed_at: datetime) -> None:
    moment = failed_at.replace(tzinfo=UTC)
    first, *_ = retry_dates("temporary", attempt=1, failed_at=moment, now=NOW)
    assert first == NOW + timedelta(days=1)


def test_a_recent_failure_is_counted_from_when_it_happened() -> None:
    hour_ago = NOW - timedelta(hours=1)
    first, *_ = retry_dates("temporary", attempt=1, failed_at=hour_ago, now=NOW)
    assert first == hour_ago + timedelta(days=1)


@pytest.mark.parametrize(
    ("fields", "decision"),
    [
        ({}, "retry"),
        ({"attempt": "2"}, "retry"),
        ({"attempt": 4}, "last_reminder"),
        ({"decline_code": "expired_card"}, "ask_for_new_card"),
        ({"decline_code": "stolen_card"}, "stop"),
        ({"decline_code": None}, "retry"),
    ],
)
def test_a_decision_follows_from_code_and_attempt(fields: dict[str, Any], decision: str) -> None:
    assert planned(**fields).decision == decision


@pytest.mark.parametrize(
    ("fields", "written"),
    [
        ({}, "49.00 EUR"),
        ({"amount": 1234.5, "currency": "usd"}, "1,234.50 USD"),
        ({"amount": None, "amount_minor": 12900, "currency": "€"}, "129.00 EUR"),
        ({"amount": None, "amount_minor": 5000, "currency": "JPY"}, "5,000 JPY"),
        ({"currency": None}, "49.00"),
        ({"amount": None}, None),
    ],
)
def test_an_amount_is_written_in_its_currency(fields: dict[str, Any], written: str | None) -> None:
    assert planned(**fields).amount == written


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"amount": "1000.00"}, "large"),
        ({"amount": None, "amount_minor": 150_000, "currency": "JPY"}, "large"),
        ({"decline_code": "stolen_card"}, "fraud"),
        ({"amount": "0"}, "no debt"),
        ({"amount": "-5.00"}, "no debt"),
        ({"currency": None}, "how much"),
        ({"amount": None}, "how much"),
        ({"amount_minor": 4800}, "smallest unit"),
    ],
)
async def test_what_is_large_or_suspicious_goes_to_a_person(
    fields: dict[str, Any], word: str
) -> None:
    result, review = await emitted(payment(**fields))
    assert isinstance(result, RecoveryPlanned)
    assert isinstance(review, ReviewNeeded)
    assert word in " ".join(review.reasons)
    assert result.decision == ("stop" if word == "fraud" else "ask_a_person")
    assert review.draft == result.draft


@pytest.mark.parametrize(
    "changed",
    [{"decline_code": "expired_card"}, {"attempt": 2}, {"amount": "48.00"}, {"currency": "CHF"}],
)
async def test_two_payments_that_differ_in_one_field_get_different_results(
    changed: dict[str, Any],
) -> None:
    assert await emitted(payment()) != await emitted(payment(**changed))


async def test_an_ordinary_payment_is_planned_without_a_person() -> None:
    (result,) = await emitted(payment(invoice_id="inv_7", name="Tom"))
    assert isinstance(result, RecoveryPlanned)
    assert result.provider == "rules"
    assert result.event_key() == b"cus_1"
    assert [date.day for date in result.retry_at] == [11, 13, 17]
    assert "of 49.00 EUR for invoice inv_7" in result.draft
    assert "2026-03-11, 2026-03-13, 2026-03-17" in result.draft


@pytest.mark.parametrize("currency", ["KWD", "XX", "🪙", "e" * 9000])
def test_a_currency_without_a_rule_is_an_ordinary_failure(currency: str) -> None:
    with pytest.raises(ValueError, match="no rule for the currency"):
        planned(currency=currency)


@pytest.mark.parametrize("amount", ["1e999999", "1e-999999", "NaN", "Infinity", "49,00", [], {}])
def test_an_amount_that_is_none_makes_the_event_invalid(amount: Any) -> None:
    with pytest.raises(ValidationError):
        payment(amount=amount)


@pytest.mark.parametrize("text", ["", "\n", "y" * 100_000, "Łukasz 🙂", "$what"])
def test_hostile_text_makes_no_hostile_mail(text: str) -> None:
    odd = payment(name=text, invoice_id=text, decline_code=text, email=text, attempt=text)
    result = plan(odd, failed_at=NOW, now=NOW)
    assert len(draft(odd, result)) < 700
    assert odd.amount == Decimal("49.00")
