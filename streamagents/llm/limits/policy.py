"""`Limits`: what an application may ask of models, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamagents.agents.budget import Budget, is_amount
from streamagents.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.llm.limits.prices import Price


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRate:
    """What the provider takes of one model in a minute, from the whole group; None is no limit."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    """Tokens that go in and tokens that come out."""

    def __post_init__(self) -> None:
        for name in ("requests_per_minute", "tokens_per_minute"):
            value = getattr(self, name)
            if value is not None and not (is_amount(value) and value > 0):
                raise ConfigurationError(f"ModelRate({name}={value!r}): more than 0 is needed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of all agents together; an agent's own budget is in its `Route`.

    ```python
    create_app("crm", limits=Limits(
        budget=Budget(usd_per_day=20),
        rates={"claude-haiku-5-5": ModelRate(requests_per_minute=50)},
    ), ...)
    ```
    """

    budget: Budget = field(default_factory=Budget)
    rates: Mapping[str, ModelRate] = field(default_factory=dict)
    """By model; `*` is for those that are not named."""
    prices: Mapping[str, Price] = field(default_factory=dict)
    """By model, before those that we know."""
