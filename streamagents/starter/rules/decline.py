"""The rules for declines: what a provider's code and a bank's words mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.starter.kinds import Decline, DeclineView
from streamagents.starter.reading import one_line
from streamagents.starter.rules.wording import asserted

if TYPE_CHECKING:
    from streamagents.starter.events import PaymentFailed

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
# What banks write beside a code, or instead of one; whole words, and none that is negated.
WORDS: dict[Decline, tuple[str, ...]] = {
    "fraud": (
        "fraud", "fraudulent", "stolen", "reported lost", "lost card", "gestohlen", "betrug",
        "betrugsverdacht", "verloren gemeldet", "volée",
    ),
    "card": (
        "expired", "account closed", "closed account", "invalid", "wrong card", "wrong number",
        "security code", "mandate", "authentication", "3-d secure", "does not exist",
        "not supported", "abgelaufen", "erloschen", "ungültig", "kein mandat",
        "no mandate", "gesperrt",
    ),
    "temporary": (
        "not enough", "insufficient", "balance", "funds", "limit", "try again", "retry",
        "timeout", "not be reached", "unavailable", "temporary", "temporarily", "nicht gedeckt",
        "deckung", "limit überschritten", "tageslimit", "später", "bank is closed", "insuffisant",
    ),
}  # fmt: skip
"""Read in this order: a suspicion outweighs a fault, a fault outweighs a lack."""
MEANINGS: dict[Decline, str] = {
    "temporary": "a lack that passes by itself",
    "card": "a fault of the card or account, which no retry mends",
    "fraud": "a suspicion of fraud",
    "unknown": "a reason that the rules do not know",
}


def read(payment: PaymentFailed) -> DeclineView:
    """What kind of failure it was, by the provider's code and the bank's words."""
    by_code = decline_class(payment.decline_code)
    by_words = _class_of_words(payment.decline_reason)
    decline = by_code if by_code == "fraud" or by_words is None else by_words
    said = one_line(payment.decline_reason or payment.decline_code or "none")
    return DeclineView(decline=decline, reason=f"The bank says {said}: {MEANINGS[decline]}.")


def decline_class(code: str | None) -> Decline:
    """What kind of failure a provider's code means."""
    word = (code or "")[:80].strip().lower().replace("-", "_").replace(" ", "_")
    return next((kind for kind, codes in DECLINES.items() if word in codes), "unknown")


def _class_of_words(text: str | None) -> Decline | None:
    return next((kind for kind, words in WORDS.items() if asserted(words, text)), None)
