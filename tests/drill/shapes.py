"""What the drill is about: topics, keys, and who is hit by the broken version."""

from __future__ import annotations

from dataclasses import dataclass

TOPICS = ("bill", "visit", "parcel")
"""Of three agents; the first one breaks."""
PARTITIONS = 4
RECEIPT, LETTERS = "receipt", ".dlq"
ACTIONS = "streamagents.actions"
CUSTOMERS = 24
BROKEN, MENDED = "2", "3"
"""Versions of the agents. `1` is as good as `3`."""


def country(customer: int) -> str:
    """Where a customer lives: the broken version fails for `DE`, which is one of three."""
    return "DE" if customer % 3 == 0 else "FR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One event that the broker has acknowledged; `n` rises in the order of sending."""

    n: int
    topic: str
    key: str
    value: str
