"""The recovery agent: reads why a payment failed and plans what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from streamagents import Context
from streamagents.starter.events import PaymentFailed, RecoveryPlanned
from streamagents.starter.reading import count, one_line
from streamagents.starter.review import ask_a_person
from streamagents.starter.templates import Letter, hello, letter

Decline = Literal["temporary", "card", "fraud", "unknown"]
Decision = Literal["retry", "ask_for_new_card", "stop", "last_reminder"]

# Codes of card processors, and of SEPA direct debit (ISO 20022: AM04 is "insufficient funds").
DECLINES: dict[Decline, frozenset[str]] = {
    "temporary": frozenset({
        "insufficient_funds", "processing_error", "issuer_not_available", "try_again_later",
        "card_velocity_exceeded", "withdrawal_count_limit_exceeded", "am04", "ms03",
    }),
    "card": frozenset({
        "expired_card", "incorrect_number", "invalid_number", "incorrect_cvc", "invalid_cvc",
        "invalid_account", "invalid_expiry_month", "invalid_expiry_year", "card_not_supported",
        "authentication_required", "ac01", "ac04", "ac06", "md01",
    }),
    "fraud": frozenset({
        "fraudulent", "stolen_card", "lost_card", "pickup_card", "restricted_card",
        "security_violation", "merchant_blacklist", "fr01",
    }),
}  # fmt: skip
MEANINGS: dict[Decline, str] = {
    "temporary": "a lack that passes by itself",
    "card": "a fault of the card or account, which no retry mends",
    "fraud": "a suspicion of fraud",
    "unknown": "a reason that the rules do not know",
}
WAIT_DAYS: dict[Decline, tuple[int, ...]] = {
    "temporary": (1, 2, 4),
    "unknown": (3, 4),
    "card": (),
    "fraud": (),
}
"""Days before each retry. An attempt that was made already uses up one of them."""
LATE = timedelta(hours=12)
"""A failure longer ago than this is planned from now: no retry may be dated in the past."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Currency:
    """How a currency is counted, and from which amount on a person decides."""

    decimals: int
    review_from: int


CURRENCIES = {
    "EUR": Currency(decimals=2, review_from=1_000),
    "USD": Currency(decimals=2, review_from=1_000),
    "GBP": Currency(decimals=2, review_from=1_000),
    "CHF": Currency(decimals=2, review_from=1_000),
    "JPY": Currency(decimals=0, review_from=150_000),
}
SIGNS = {"€": "EUR", "$": "USD", "£": "GBP"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done about a failed payment; `odd` is what a person should look at."""

    decision: Decision
    decline: Decline
    retry_at: tuple[datetime, ...]
    amount: str | None
    reasons: tuple[str, ...]
    odd: tuple[str, ...]


def decline_class(code: str | None) -> Decline:
    """What kind of failure a provider's code means."""
    word = (code or "")[:80].strip().lower().replace("-", "_").replace(" ", "_")
    return next((kind for kind, codes in DECLINES.items() if word in codes), "unknown")


def retry_dates(
    decline: Decline, *, attempt: int, failed_at: datetime, now: datetime
) -> tuple[datetime, ...]:
    """When to try again, counted from the failure, or from now if that is long ago or to come."""
    start = failed_at if now - LATE <= failed_at <= now else now
    waits = WAIT_DAYS[decline][max(0, attempt - 1) :]
    return tuple(start + timedelta(days=sum(waits[: n + 1])) for n in range(len(waits)))


def plan(payment: PaymentFailed, *, failed_at: datetime, now: datetime) -> Plan:
    """Decide by the decline code, the attempts made and the amount.

    Raises:
        ValueError: the currency has no rule. Nobody has decided yet what is much in it, so the
            event fails, and is replayed once CURRENCIES has the rule.
    """
    amount, rule = _amount(payment)
    decline = decline_class(payment.decline_code)
    attempt = count(payment.attempt) or 1
    dates = retry_dates(decline, attempt=attempt, failed_at=failed_at, now=now)
    code = one_line(payment.decline_code or "none")
    return Plan(
        decision=_decide(decline, dates),
        decline=decline,
        retry_at=dates,
        amount=_written(amount, payment, rule),
        reasons=(
            f"The decline code is {code}: {MEANINGS[decline]}.",
            f"This was attempt {attempt:,}; {len(dates)} more to come.",
        ),
        odd=tuple(_odd(payment, decline, amount, rule)),
    )


def draft(payment: PaymentFailed, planned: Plan) -> str:
    """The mail to the customer."""
    letters: dict[Decision, Letter] = {
        "retry": "payment_retry",
        "ask_for_new_card": "payment_card",
        "stop": "payment_stop",
        "last_reminder": "payment_last",
    }
    invoice = f" for invoice {one_line(payment.invoice_id)}" if payment.invoice_id else ""
    return letter(
        letters[planned.decision],
        hello=hello(one_line(payment.name) if payment.name else None),
        what=(f" of {planned.amount}" if planned.amount else "") + invoice,
        dates=", ".join(f"{moment:%Y-%m-%d}" for moment in planned.retry_at),
    )


class RecoveryAgent:
    """Plans the recovery of failed payments."""

    async def run(self, payment: PaymentFailed, ctx: Context) -> None:
        """Emit `recovery_planned`, and `review_needed` for large sums and suspicions."""
        planned = plan(payment, failed_at=ctx.event.time, now=ctx.now())
        mail = draft(payment, planned)
        asks = planned.odd and planned.decision != "stop"
        ctx.log.info("recovery planned", action="recovery_planned", decision=planned.decision)
        ctx.emit(
            RecoveryPlanned(
                subject=payment.customer_id,
                decision="ask_a_person" if asks else planned.decision,
                decline=planned.decline,
                retry_at=list(planned.retry_at),
                amount=planned.amount,
                reasons=list(planned.reasons),
                draft=mail,
            )
        )
        if planned.odd:
            ask_a_person(ctx, subject=payment.customer_id, reasons=planned.odd, draft=mail)


def _decide(decline: Decline, dates: Sequence[datetime]) -> Decision:
    if decline == "fraud":
        return "stop"
    if decline == "card":
        return "ask_for_new_card"
    return "retry" if dates else "last_reminder"


def _amount(payment: PaymentFailed) -> tuple[Decimal | None, Currency | None]:
    """The amount in whole units, and its currency's rule, as far as the event says."""
    if payment.currency is None:
        return payment.amount, None
    code = _code(payment.currency)
    if code not in CURRENCIES:
        raise ValueError(f"The recovery plan has no rule for the currency {one_line(code)!r}.")
    rule = CURRENCIES[code]
    if payment.amount is None and payment.amount_minor is not None:
        return Decimal(payment.amount_minor).scaleb(-rule.decimals), rule
    return payment.amount, rule


def _code(currency: str) -> str:
    return SIGNS.get(currency, currency.upper())


def _written(amount: Decimal | None, payment: PaymentFailed, rule: Currency | None) -> str | None:
    if amount is None:
        return None
    if rule is None or payment.currency is None:
        return f"{amount:,f}"
    return f"{amount:,.{rule.decimals}f} {_code(payment.currency)}"


def _odd(
    payment: PaymentFailed, decline: Decline, amount: Decimal | None, rule: Currency | None
) -> list[str]:
    """Why a person has to look, in words."""
    written = _written(amount, payment, rule)
    minor = payment.amount_minor
    checks = (
        (decline == "fraud", "The decline code speaks of fraud: no mail before a person agrees."),
        (
            bool(rule and amount and amount >= rule.review_from),
            f"The amount, {written}, is large.",
        ),
        (amount is not None and amount <= 0, f"The amount, {written}, is no debt."),
        (rule is None or amount is None, "The event does not say how much of which currency."),
        (
            bool(rule and minor is not None and amount != Decimal(minor).scaleb(-rule.decimals)),
            f"The event says {written}, and {minor} in the smallest unit.",
        ),
    )
    return [reason for holds, reason in checks if holds]
