"""The recovery agent's book: a customer's open cases, and what was paid. Pure, kept in state."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from streamagents.starter.kinds import Decline

MOST_CASES, MOST_PAID = 20, 50
"""Of one customer; the oldest go first. A book is read and written whole."""
_ANY = ""
"""Stands for a payment that names no invoice."""


class Case(BaseModel):
    """A failed payment that is being followed up."""

    id: str
    """The id of the event that told of the failure."""
    invoice_id: str | None
    failed_at: datetime
    retry_at: list[datetime]
    look_at: list[datetime]
    done: int = 0
    """Of the follow-ups."""
    decline: Decline
    amount: str | None
    name: str | None


class Book(BaseModel):
    """All that is known of one customer."""

    cases: list[Case] = Field(default_factory=list)
    paid: dict[str, datetime] = Field(default_factory=dict)
    """By invoice, when."""

    def is_paid(self, invoice_id: str | None, failed_at: datetime) -> bool:
        """Whether a payment is known that is later than this failure, and may be of its invoice."""
        relevant = (
            moment
            for invoice, moment in self.paid.items()
            if invoice_id is None or invoice in {invoice_id, _ANY}
        )
        return any(moment > failed_at for moment in relevant)

    def case(self, id_: str) -> Case | None:
        """An open case."""
        return next((case for case in self.cases if case.id == id_), None)

    def opened(self, case: Case) -> Book:
        """With this case in the place of an earlier one of the same invoice.

        A case that is not to be looked after ends the earlier one: a person decides from here on.
        """
        same = [known for known in self.cases if known.invoice_id == case.invoice_id]
        if any(known.failed_at > case.failed_at for known in same):
            return self  # told late: the later attempt is being followed up
        others = [known for known in self.cases if known not in same]
        return self.model_copy(
            update={"cases": [*others, *([case] if case.look_at else [])][-MOST_CASES:]}
        )

    def followed(self, case: Case, step: int) -> Book:
        """With this follow-up done; behind the last one the case is closed."""
        over = step >= len(case.look_at)
        cases = [
            known.model_copy(update={"done": step}) if known.id == case.id else known
            for known in self.cases
            if known.id != case.id or not over
        ]
        return self.model_copy(update={"cases": cases})

    def settled(self, invoice_id: str | None, at: datetime) -> tuple[Book, list[Case]]:
        """With this payment, and the cases that it ends.

        A case that names no invoice is ended by any payment: better no reminder than one to
        somebody who has paid.
        """
        ended = [
            case
            for case in self.cases
            if case.failed_at <= at
            and (invoice_id is None or case.invoice_id in {None, invoice_id})
        ]
        name = invoice_id or _ANY
        paid = {**self.paid, name: max(at, self.paid.get(name, at))}
        latest = sorted(paid.items(), key=lambda item: item[1])[-MOST_PAID:]
        cases = [case for case in self.cases if case not in ended]
        return Book(cases=cases, paid=dict(latest)), ended
