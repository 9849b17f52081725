"""Spend: money and tokens, as numbers that add up exactly."""

from __future__ import annotations

from typing import NamedTuple

NANOS = 10**9
"""Billionths in a dollar. Whole numbers: a day of tiny calls must not lose any to rounding."""


class Spend(NamedTuple):
    """What was spent, or may be."""

    nanos: int = 0
    """Billionths of a dollar."""
    tokens: int = 0

    @property
    def usd(self) -> float:
        """In dollars."""
        return self.nanos / NANOS

    def plus(self, other: Spend) -> Spend:
        """Both together."""
        return Spend(self.nanos + other.nanos, self.tokens + other.tokens)

    def minus(self, other: Spend) -> Spend:
        """What is left of it."""
        return Spend(self.nanos - other.nanos, self.tokens - other.tokens)

    def part(self, fraction: float) -> Spend:
        """A part of it, rounded."""
        return Spend(round(self.nanos * fraction), round(self.tokens * fraction))


NOTHING = Spend()
