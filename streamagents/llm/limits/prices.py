"""Prices: what an answer cost. Who has other prices, or other models, says so in `Limits`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamagents.agents.budget import is_amount
from streamagents.errors import ConfigurationError
from streamagents.llm.limits.spend import Spend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.ports import Usage

_DATE = re.compile(r"-\d{8}$")
_NANOS = 1000
"""USD per million tokens are so many billionths of a dollar per token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD per million tokens.

    Raises:
        ConfigurationError: when built with a value that cannot work.
    """

    input: float
    output: float
    cache_write: float | None = None
    """Into the cache of five minutes; default 1.25 times `input`."""
    cache_read: float | None = None
    """Default: a tenth of `input`."""
    long_from: int | None = None
    """A prompt of more tokens than this costs, all of it, what `long` says."""
    long: Price | None = None

    def __post_init__(self) -> None:
        for name in ("input", "output", "cache_write", "cache_read"):
            value = getattr(self, name)
            if value is not None and not is_amount(value):
                raise ConfigurationError(f"Price({name}={value!r}): a number from 0 on is needed.")

    def nanos(self, usage: Usage) -> int:
        """What an answer cost, in billionths of a dollar, rounded up."""
        prompt = usage.input_tokens + usage.cache_write_tokens + usage.cache_read_tokens
        if self.long is not None and self.long_from is not None and prompt > self.long_from:
            return self.long.nanos(usage)
        write = 1.25 * self.input if self.cache_write is None else self.cache_write
        read = 0.1 * self.input if self.cache_read is None else self.cache_read
        usd_millionths = (
            self.input * usage.input_tokens
            + self.output * usage.output_tokens
            + write * usage.cache_write_tokens
            + read * usage.cache_read_tokens
        )
        return round(usd_millionths * _NANOS)


_OPUS = Price(input=5, output=25)
_SONNET_4 = Price(input=3, output=15)
_FABLE_5 = Price(input=10, output=50)
_FABLE_5_1 = Price(input=10, output=50, cache_read=0.25)

PRICES: Mapping[str, Price] = {
    "claude-fable-5-1": _FABLE_5_1,
    "claude-mythos-5-1": _FABLE_5_1,
    "claude-fable-5": _FABLE_5,
    "claude-mythos-5": _FABLE_5,
    "claude-opus-5-5": Price(input=4, output=20, cache_read=0.2),
    "claude-opus-5": _OPUS,
    "claude-opus-4-8": _OPUS,
    "claude-opus-4-7": _OPUS,
    "claude-opus-4-6": _OPUS,
    "claude-opus-4-5": _OPUS,
    "claude-sonnet-5-5": Price(input=2, output=10, cache_read=0.1),
    "claude-sonnet-5": Price(input=2, output=10),
    "claude-sonnet-4-6": _SONNET_4,
    "claude-sonnet-4-5": _SONNET_4,
    "claude-haiku-5-5": Price(
        input=0.1, output=0.5, long_from=100_000, long=Price(input=0.5, output=2.5)
    ),
    "claude-haiku-4-5": Price(input=1, output=5),
}
"""Anthropic's published prices as of October 2026, for the cache of five minutes.

Source: https://platform.claude.com/docs/en/about-claude/pricing. They change: override them.
"""


def price_of(model: str, prices: Mapping[str, Price]) -> Price | None:
    """The price of a model, by its name or by that without its date; None: it is not known."""
    for name in (model, _DATE.sub("", model)):
        found = prices.get(name) or PRICES.get(name)
        if found is not None:
            return found
    return None


def spend_of(usage: Usage, price: Price | None) -> Spend:
    """What an answer took; of a model without a price no money."""
    tokens = (
        usage.input_tokens
        + usage.output_tokens
        + usage.cache_write_tokens
        + usage.cache_read_tokens
    )
    return Spend(0 if price is None else price.nanos(usage), tokens)
