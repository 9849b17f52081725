"""What is said of a recovery: the mails, and the events that tell of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamagents.starter.book import Case
from streamagents.starter.events import RecoveryEnded, RecoveryPlanned
from streamagents.starter.reading import bounded, one_line
from streamagents.starter.templates import Letter, hello, letter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from streamagents.starter.events import PaymentFailed, PaymentFollowUp, PaymentSucceeded
    from streamagents.starter.rules.recovery import Decision, Plan, Step


def draft(payment: PaymentFailed, plan: Plan) -> str:
    """The first mail to the customer."""
    letters: dict[Decision, Letter] = {
        "retry": "payment_retry",
        "ask_for_new_card": "payment_card",
        "stop": "payment_stop",
        "last_reminder": "payment_last",
    }
    return letter(
        letters[plan.decision],
        hello=hello(one_line(payment.name) if payment.name else None),
        what=_what(plan.amount, payment.invoice_id),
        dates=_days(plan.retry_at),
    )


def reminder(case: Case, decision: Step, *, now: datetime) -> str:
    """The mail of a follow-up."""
    dates = [date for date in case.retry_at if date > now]
    following = "Please enter a new payment method in your account."
    if decision == "retry":
        following = f"We try again on {_days(dates)}." if dates else "We try again soon."
    return letter(
        "payment_last" if decision in {"last_reminder", "ask_a_person"} else "payment_again",
        hello=hello(case.name),
        what=_what(case.amount, case.invoice_id),
        next=following,
    )


def planned(payment: PaymentFailed, plan: Plan, mail: str, *, provider: str) -> RecoveryPlanned:
    """What is emitted of a plan. What a person is asked about carries the rest as a proposal."""
    asks = plan.odd and plan.decision != "stop"
    return RecoveryPlanned(
        subject=payment.customer_id,
        decision="ask_a_person" if asks else plan.decision,
        decline=plan.decline,
        retry_at=list(plan.retry_at),
        amount=plan.amount,
        reasons=list(plan.reasons),
        draft=mail,
        provider=provider,
    )


def facts(case: Case, decision: str, *, step: int) -> dict[str, Any]:
    """What a mail is written from. Days, no moments: a retried attempt asks the same again."""
    known = bounded(case.model_dump(include={"name", "amount", "invoice_id"}))
    # Whom a person is asked about has had every mail but the last one.
    said = "last_reminder" if decision == "ask_a_person" else decision
    return {**known, "decision": said, "retry_at": _days(case.retry_at), "reminders": step}


def case_of(payment: PaymentFailed, plan: Plan, *, id_: str, failed_at: datetime) -> Case:
    """What has to be known of a payment to follow it up."""
    return Case(
        id=id_,
        invoice_id=payment.invoice_id,
        failed_at=failed_at,
        retry_at=list(plan.retry_at),
        look_at=list(plan.look_at),
        decline=plan.decline,
        amount=plan.amount,
        name=one_line(payment.name) if payment.name else None,
    )


def followed(
    note: PaymentFollowUp, case: Case, decision: Step, mail: str, *, now: datetime
) -> RecoveryPlanned:
    """What is emitted of a follow-up."""
    failed = f"It failed on {case.failed_at:%Y-%m-%d}, and nothing has arrived since."
    return RecoveryPlanned(
        subject=note.customer_id,
        decision=decision,
        decline=case.decline,
        retry_at=[date for date in case.retry_at if date > now],
        amount=case.amount,
        step=note.step,
        reasons=[f"This is follow-up {note.step} of {len(case.look_at)}.", failed],
        draft=mail,
    )


def ended(payment: PaymentSucceeded, cases: Sequence[Case]) -> RecoveryEnded:
    """What is emitted of a payment that went through."""
    reasons = [f"The failure of {case.failed_at:%Y-%m-%d} is settled." for case in cases]
    return RecoveryEnded(
        subject=payment.customer_id,
        decision="paid" if cases else "nothing_open",
        invoice_id=payment.invoice_id,
        cases=len(cases),
        reasons=reasons or ["No failed payment was being followed up."],
    )


def paid_before(payment: PaymentFailed) -> RecoveryEnded:
    """What is emitted of a failure that is told of after the success behind it."""
    return RecoveryEnded(
        subject=payment.customer_id,
        decision="already_paid",
        invoice_id=payment.invoice_id,
        cases=0,
        reasons=["A later payment has arrived already: nobody is reminded."],
    )


def _what(amount: str | None, invoice_id: str | None) -> str:
    invoice = f" for invoice {one_line(invoice_id)}" if invoice_id else ""
    return (f" of {amount}" if amount else "") + invoice


def _days(dates: Sequence[datetime]) -> str:
    return ", ".join(f"{moment:%Y-%m-%d}" for moment in dates)
