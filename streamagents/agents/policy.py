"""`Route`: an agent's policy, as data beside the registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamagents.errors import ConfigurationError

if TYPE_CHECKING:
    from streamagents.agents.budget import Budget


@dataclass(frozen=True, slots=True)
class Route:
    """An agent and how it is run. Durations are seconds.

    ```python
    AGENT_REGISTRY = {"new_lead": Route(LeadEnrichmentAgent(), attempts=5, timeout_s=30)}
    ```

    Raises:
        ConfigurationError: when built with a value that cannot work.
    """

    agent: Any
    """An object with `run(event)` or `run(event, ctx)`, async or not."""
    attempts: int = 3
    """Failures until the event becomes a dead letter."""
    timeout_s: float = 120.0
    """One attempt may last so long. A plain `def run` cannot be interrupted: its end is waited for,
    and what it did counts."""
    backoff_s: float = 1.0
    """The longest wait after the first failure; each further failure makes it four times longer,
    up to 30 s, and the wait is drawn between 0 and that (full jitter)."""
    max_wait_s: float = 86_400.0
    """So long after its first start an event may be put off by `RetryLater`; then it becomes a
    dead letter."""
    in_flight: int | None = None
    """Events of this agent that run at once in one worker. Default: `STREAMAGENTS_IN_FLIGHT`."""
    budget: Budget | None = None
    """What it may spend on models, beside what all agents together may."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("attempts", 1, 1000),
            ("timeout_s", 0.001, 86_400),
            ("backoff_s", 0, 30),
            ("max_wait_s", 0, 366 * 86_400),
            ("in_flight", 1, 100_000),
        ):
            value = getattr(self, name)
            kind = int if name in {"attempts", "in_flight"} else (int, float)
            if value is None and name == "in_flight":
                continue
            if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
                raise ConfigurationError(
                    f"Route({type(self.agent).__name__}, {name}={value!r}): "
                    f"{name} is {'a whole number' if kind is int else 'a number'} "
                    f"between {low} and {high}."
                )
