"""Channels: what delivers effects to the outside, and the policy of a delivery, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol
from uuid import UUID, uuid5

from streamagents.errors import ConfigurationError

if TYPE_CHECKING:
    from streamagents.actions.action import Action

OnUnknown = Literal["resend", "review"]

_KEYS = UUID("6f1d3c52-9a0e-5b7c-8a41-0d6c5c5f2b7e")
"""The namespace of our idempotency keys. Another one would make every effect a new one."""
_WHOLE = frozenset({"attempts", "in_flight"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a channel is told beside the action."""

    id: str
    """`<event id>/<name>`: the same in every attempt."""
    source: str = ""
    """Who decided it; an effect is known by its source and id."""
    key: str | None = None
    """The key of the event that decided it."""
    attempt: int = 1
    """1 for the first."""
    interrupted: bool = False
    """An earlier attempt ended without telling how far it got: it may have got through."""

    @property
    def idempotency_key(self) -> str:
        """For peers that take one: a UUID, the same in every attempt."""
        return str(uuid5(_KEYS, f"{self.source}\n{self.id}"))


class Channel(Protocol):
    """Delivers the effects of one class of actions; a plain class of yours.

    Beside what is named here it may have

    * `idempotent = True`: the peer takes `effect.idempotency_key` and does nothing twice;
    * `async def reconcile(self, action, effect) -> bool | None`: asks the peer whether an earlier
      attempt got through; None is "cannot tell";
    * `async def close(self)`: gives connections back when a worker stops; a later call of `send`
      begins anew.
    """

    @property
    def name(self) -> str:
        """What actions name in `via`."""

    @property
    def action(self) -> type[Action]:
        """What it delivers."""

    async def send(self, action: Any, effect: Effect) -> None:
        """Deliver one effect. It ends when the peer has taken it.

        Raises:
            Reject: this can never be delivered.
            RetryLater: the peer says when to come back.
            Exception: anything else is a failure and is tried again.
        """


@dataclass(frozen=True, slots=True)
class Delivery:
    """A channel and how it is used. Durations are seconds.

    ```python
    create_app("crm", channels=[Delivery(Slack(), per_second=1, on_unknown="review")], ...)
    ```

    Raises:
        ConfigurationError: when built with a value that cannot work.
    """

    channel: Any
    """An object as `Channel` says."""
    attempts: int = 3
    """Failures until the effect becomes a dead letter."""
    timeout_s: float = 30.0
    """One attempt may last so long, the wait for its turn (`per_second`) included. After that it
    is not known whether the effect got through."""
    backoff_s: float = 1.0
    """The longest wait after the first failure; each further failure makes it four times longer,
    up to 30 s, and the wait is drawn between 0 and that (full jitter)."""
    in_flight: int = 10
    """Effects of this channel that are delivered at once in one worker. With `per_second` no more
    than get their turn within half of `timeout_s`."""
    per_second: float | None = None
    """Effects that one worker begins to deliver in a second, at most. Default: no limit."""
    on_unknown: OnUnknown = "resend"
    """What to do when an attempt was interrupted, and neither `reconcile` can tell whether it got
    through nor the peer would notice a repetition: send it again (at least once), or leave it to a
    person as a dead letter (at most once)."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("attempts", 1, 1000),
            ("timeout_s", 0.001, 86_400),
            ("backoff_s", 0, 30),
            ("in_flight", 1, 100_000),
            ("per_second", 0.0001, 100_000),
        ):
            value = getattr(self, name)
            kind = int if name in _WHOLE else (int, float)
            if value is None and name == "per_second":
                continue
            if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
                raise ConfigurationError(
                    f"{self._with(name)}: {name} is "
                    f"{'a whole number' if kind is int else 'a number'} between {low} and {high}."
                )
        if self.on_unknown not in {"resend", "review"}:
            raise ConfigurationError(f"{self._with('on_unknown')}: say 'resend' or 'review'.")
        if self.at_once < 1:
            raise ConfigurationError(
                f"{self._with('per_second')}: an effect may wait {1 / (self.per_second or 1):g} s "
                f"for its turn, and timeout_s={self.timeout_s:g} is to leave as much for its "
                "delivery: make timeout_s longer."
            )

    @property
    def at_once(self) -> int:
        """Effects that are delivered at once, so that none spends its time on waiting."""
        if self.per_second is None:
            return self.in_flight
        return min(self.in_flight, int(self.per_second * self.timeout_s / 2))

    def _with(self, name: str) -> str:
        return f"Delivery({type(self.channel).__name__}, {name}={getattr(self, name)!r})"
