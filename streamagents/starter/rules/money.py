"""The rules for amounts: how a currency is counted, and what is much in it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from streamagents.starter.reading import one_line

if TYPE_CHECKING:
    from streamagents.starter.events import PaymentFailed


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


def money(payment: PaymentFailed) -> tuple[Decimal | None, Currency | None]:
    """The amount in whole units, and its currency's rule, as far as the event says.

    Raises:
        ValueError: the currency has no rule.
    """
    if payment.currency is None:
        return payment.amount, None
    code = code_of(payment.currency)
    if code not in CURRENCIES:
        raise ValueError(f"The recovery plan has no rule for the currency {one_line(code)!r}.")
    rule = CURRENCIES[code]
    if payment.amount is None and payment.amount_minor is not None:
        return Decimal(payment.amount_minor).scaleb(-rule.decimals), rule
    return payment.amount, rule


def code_of(currency: str) -> str:
    """The code of a currency, also of a sign."""
    return SIGNS.get(currency, currency.upper())


def written(amount: Decimal | None, payment: PaymentFailed, rule: Currency | None) -> str | None:
    """An amount for people, or None."""
    if amount is None:
        return None
    if rule is None or payment.currency is None:
        return f"{amount:,f}"
    return f"{amount:,.{rule.decimals}f} {code_of(payment.currency)}"
