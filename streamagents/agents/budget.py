"""`Budget`: what an agent, or all of them, may spend on models."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from streamagents.errors import ConfigurationError

WhenSpent = Literal["wait", "reject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What may be spent; None is no limit. A day is one of UTC.

    ```python
    Route(LeadEnrichmentAgent(), budget=Budget(usd_per_day=5, usd_per_event=0.05))
    ```

    Raises:
        ConfigurationError: when built with a value that cannot work.
    """

    usd_per_day: float | None = None
    tokens_per_day: int | None = None
    """Tokens that go in and tokens that come out, cached ones too."""
    usd_per_event: float | None = None
    """All attempts at one event. Beyond it the event becomes a dead letter, whatever `when_spent`
    says: waiting would not help it."""
    tokens_per_event: int | None = None
    when_spent: WhenSpent = "wait"
    """What a day's end of money means: events wait until the next day, or become dead letters."""

    def __post_init__(self) -> None:
        for name in ("usd_per_day", "tokens_per_day", "usd_per_event", "tokens_per_event"):
            value = getattr(self, name)
            if value is None:
                continue
            if not is_amount(value):
                raise ConfigurationError(f"Budget({name}={value!r}): a number from 0 on is needed.")
        if self.when_spent not in {"wait", "reject"}:
            raise ConfigurationError(
                f"Budget(when_spent={self.when_spent!r}): say 'wait' or 'reject'."
            )


def is_amount(value: object) -> bool:
    """Whether this is a number that can be spent: finite, and from 0 on."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value) and value >= 0  # type: ignore[arg-type,operator] # is one
