"""The rules for failed payments: what a decline means, what to do about it, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from streamagents.starter.reading import count
from streamagents.starter.rules.money import Currency, money, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamagents.starter.book import Case
    from streamagents.starter.events import PaymentFailed
    from streamagents.starter.kinds import Decline, DeclineView

Decision = Literal["retry", "ask_for_new_card", "stop", "last_reminder"]
Step = Literal["retry", "ask_for_new_card", "last_reminder", "ask_a_person"]

WAIT_DAYS: dict[Decline, tuple[int, ...]] = {
    "temporary": (1, 2, 4),
    "unknown": (3, 4),
    "card": (),
    "fraud": (),
}
"""Days before each retry. An attempt that was made already uses up one of them."""
CARD_DAYS = (3, 7)
"""Days after which to look for a new card."""
LAST_LOOK = timedelta(days=7)
LATE = timedelta(hours=12)
"""A failure longer ago than this is planned from now: no retry may be dated in the past."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done about a failed payment; `odd` is what a person should look at."""

    decision: Decision
    decline: Decline
    retry_at: tuple[datetime, ...]
    look_at: tuple[datetime, ...]
    """When to look whether the payment has arrived; the last time a person is asked."""
    amount: str | None
    reasons: tuple[str, ...]
    odd: tuple[str, ...]


def retry_dates(
    decline: Decline, *, attempt: int, failed_at: datetime, now: datetime
) -> tuple[datetime, ...]:
    """When to try again, counted from the failure, or from now if that is long ago or to come."""
    start = failed_at if now - LATE <= failed_at <= now else now
    waits = WAIT_DAYS[decline][max(0, attempt - 1) :]
    return tuple(start + timedelta(days=sum(waits[: n + 1])) for n in range(len(waits)))


def plan(payment: PaymentFailed, read: DeclineView, *, failed_at: datetime, now: datetime) -> Plan:
    """Decide by the kind of failure, the attempts made and the amount.

    Raises:
        ValueError: the currency has no rule. Nobody has decided yet what is much in it, so the
            event fails, and is replayed once CURRENCIES has the rule.
    """
    amount, rule = money(payment)
    attempt = count(payment.attempt) or 1
    dates = retry_dates(read.decline, attempt=attempt, failed_at=failed_at, now=now)
    decision = _decide(read.decline, dates)
    odd = tuple(_odd(payment, read.decline, amount, rule))
    return Plan(
        decision=decision,
        decline=read.decline,
        retry_at=dates,
        # What a person decides is not followed up: nobody may be mailed meanwhile.
        look_at=() if odd else look_dates(decision, dates, now=now),
        amount=written(amount, payment, rule),
        reasons=(read.reason, f"This was attempt {attempt:,}; {len(dates)} more to come."),
        odd=odd,
    )


def look_dates(
    decision: Decision, dates: Sequence[datetime], *, now: datetime
) -> tuple[datetime, ...]:
    """When to look whether the money has come: a day after each retry, and a week after all."""
    if decision == "stop":
        return ()
    looks = [date + timedelta(days=1) for date in dates]
    if decision == "ask_for_new_card":
        looks = [now + timedelta(days=days) for days in CARD_DAYS]
    return (*looks, (looks[-1] if looks else now) + LAST_LOOK)


def next_step(case: Case, step: int) -> Step:
    """What an unpaid case asks for at its follow-up of this number, from 1 on."""
    left = len(case.look_at) - step
    if left <= 0:
        return "ask_a_person"
    if left == 1:
        return "last_reminder"
    return "ask_for_new_card" if case.decline == "card" else "retry"


def _decide(decline: Decline, dates: Sequence[datetime]) -> Decision:
    if decline == "fraud":
        return "stop"
    if decline == "card":
        return "ask_for_new_card"
    return "retry" if dates else "last_reminder"


def _odd(
    payment: PaymentFailed, decline: Decline, amount: Decimal | None, rule: Currency | None
) -> list[str]:
    """Why a person has to look, in words."""
    total = written(amount, payment, rule)
    minor = payment.amount_minor
    checks = (
        (decline == "fraud", "The decline code speaks of fraud: no mail before a person agrees."),
        (
            bool(rule and amount and amount >= rule.review_from),
            f"The amount, {total}, is large.",
        ),
        (amount is not None and amount <= 0, f"The amount, {total}, is no debt."),
        (rule is None or amount is None, "The event does not say how much of which currency."),
        (
            bool(rule and minor is not None and amount != Decimal(minor).scaleb(-rule.decimals)),
            f"The event says {total}, and {minor} in the smallest unit.",
        ),
    )
    return [reason for holds, reason in checks if holds]
