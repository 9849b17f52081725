"""The rules for failed payments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from streamagents.starter.events import PaymentFailed
from streamagents.starter.rules.decline import decline_class, read
from streamagents.starter.rules.recovery import Plan, next_step, plan, retry_dates
from streamagents.starter.rules.recovery_words import case_of, draft, reminder

if TYPE_CHECKING:
    from streamagents.starter.kinds import Decline

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
PLAIN = {
    "customer_id": "cus_1", "amount": "49.00", "currency": "EUR",
    "decline_code": "insufficient_funds",
}  # fmt: skip


def payment(**fields: Any) -> PaymentFailed:
    return PaymentFailed(**(PLAIN | fields))


def planned(**fields: Any) -> Plan:
    failed = payment(**fields)
    return plan(failed, read(failed), failed_at=NOW, now=NOW)


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
    result = plan(odd, read(odd), failed_at=NOW, now=NOW)
    assert len(draft(odd, result)) < 700
    assert odd.amount == Decimal("49.00")


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        ("generic_decline", "Insufficient funds", "temporary"),
        ("insufficient_funds", "The card has expired.", "card"),
        ("stolen_card", "temporary, please retry", "fraud"),
        ("expired_card", "Suspected fraud", "fraud"),
        (None, "no fraud, not enough funds", "temporary"),
        (None, "Konto nicht gedeckt", "temporary"),
        ("expired_card", "  ", "card"),
        ("do_not_honor", "refer to issuer", "unknown"),
    ],
)
def test_the_banks_words_outweigh_its_code_and_fraud_outweighs_both(
    code: str | None, words: str, kind: str
) -> None:
    assert read(payment(decline_code=code, decline_reason=words)).decline == kind


@pytest.mark.parametrize(
    ("fields", "days"),
    [
        ({}, [2, 4, 8, 15]),
        ({"attempt": 3}, [5, 12]),
        ({"attempt": 4}, [7]),
        ({"decline_code": "expired_card"}, [3, 7, 14]),
        ({"decline_code": "stolen_card"}, []),
        ({"amount": "5000"}, []),
    ],
)
def test_it_is_looked_after_each_step_unless_a_person_decides(
    fields: dict[str, Any], days: list[int]
) -> None:
    assert [(moment - NOW).days for moment in planned(**fields).look_at] == days


@pytest.mark.parametrize(
    ("fields", "steps"),
    [
        ({}, ["retry", "retry", "last_reminder", "ask_a_person"]),
        ({"attempt": 4}, ["ask_a_person"]),
        (
            {"decline_code": "expired_card"},
            ["ask_for_new_card", "last_reminder", "ask_a_person"],
        ),
    ],
)
def test_the_steps_of_an_unpaid_case_end_with_a_person(
    fields: dict[str, Any], steps: list[str]
) -> None:
    case = case_of(payment(**fields), planned(**fields), id_="e1", failed_at=NOW)
    numbers = range(1, len(case.look_at) + 1)
    assert [next_step(case, number) for number in numbers] == steps
    assert all(len(reminder(case, next_step(case, n), now=NOW)) < 700 for n in numbers)
