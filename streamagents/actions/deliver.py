"""Delivering: the agent of a channel. An effect is an event like any other, and this handles it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from streamagents.actions.action import read
from streamagents.actions.channel import Effect
from streamagents.actions.rate import Rate
from streamagents.agents import Route
from streamagents.errors import Reject

if TYPE_CHECKING:
    from streamagents.actions.action import Action
    from streamagents.actions.channel import Delivery, OnUnknown
    from streamagents.agents import Context
    from streamagents.ports import Clock, Effects

Decision = Literal["send", "done", "repeat", "resend", "review"]
"""What to do: `repeat` sends again what the peer knows by its key, `resend` what may happen twice,
`done` nothing, and `review` leaves it to a person."""

OUTCOME_UNKNOWN = "outcome_unknown"
"""The code of the letter that `review` makes."""


def decide(
    *, interrupted: bool, happened: bool | None, idempotent: bool, on_unknown: OnUnknown
) -> Decision:
    """Decide about an effect.

    Args:
        interrupted: an earlier attempt may have got through.
        happened: what the channel found out about that; None is "cannot tell".
        idempotent: the peer does nothing twice.
        on_unknown: the channel's policy.
    """
    if not interrupted or happened is False:
        return "send"
    if happened:
        return "done"
    if idempotent:
        return "repeat"
    return on_unknown


class Deliverer:
    """The agent of one channel.

    Args:
        delivery: the channel and its policy.
        clock: the time, for the rate.
        effects: is told of those whose outcome is not known.
    """

    def __init__(self, delivery: Delivery, clock: Clock, effects: Effects | None = None) -> None:
        self._delivery, self._channel = delivery, delivery.channel
        self._rate = Rate(delivery.per_second, clock)
        self._effects = effects

    async def turn(self) -> None:
        """Wait for the channel's rate: before the run and its mark, for nothing is sent yet."""
        await self._rate.turn()

    async def run(self, data: dict[str, Any], ctx: Context) -> None:
        """Deliver one effect, unless it turns out to have been delivered before.

        Raises:
            Reject: the data are no action of the channel (code `invalid`), or nobody can tell
                whether an earlier attempt got through (code `outcome_unknown`).
            Exception: whatever the channel raises.
        """
        action = self._read(data)
        event = ctx.event
        effect = Effect(
            id=event.id,
            source=event.source,
            key=event.key,
            attempt=event.attempt,
            interrupted=event.interrupted,
        )
        decision = await self._decide(action, effect)
        self._tell(decision, effect, ctx.log)
        if decision == "review":
            raise Reject(
                f"An earlier attempt of the effect {effect.id!r} ended without telling whether it "
                f"got through, and the channel {self._channel.name!r} cannot find out: look there, "
                "then replay this letter or close it.",
                code=OUTCOME_UNKNOWN,
            )
        if decision != "done":
            await self._channel.send(action, effect)

    def _read(self, data: dict[str, Any]) -> Action:
        kind: type[Action] = self._channel.action
        try:
            return read(kind, data)
        except ValidationError as exc:
            fault = exc.errors(include_input=False)[0]
            at = ".".join(map(str, fault["loc"]))
            raise Reject(
                f"The effect is no {kind.__name__}: {exc.error_count()} faults, the first "
                f"{fault['msg']!r}{f' at {at}' if at else ''}.",
                code="invalid",
            ) from exc

    async def _decide(self, action: Action, effect: Effect) -> Decision:
        happened: bool | None = None
        reconcile = getattr(self._channel, "reconcile", None)
        if effect.interrupted and reconcile is not None:
            happened = await reconcile(action, effect)
        return decide(
            interrupted=effect.interrupted,
            happened=happened,
            idempotent=getattr(self._channel, "idempotent", False),
            on_unknown=self._delivery.on_unknown,
        )

    def _tell(self, decision: Decision, effect: Effect, log: Any) -> None:
        told = {"channel": self._channel.name, "effect": effect.id, "decision": decision}
        if decision in {"resend", "review"}:
            log.warning("effect_unknown", **told)
            if self._effects is not None:
                self._effects.unknown(self._channel.name)
        elif effect.interrupted:
            log.info("effect_known", **told)


def route_of(delivery: Delivery, clock: Clock, effects: Effects | None = None) -> Route:
    """A delivery as the policy of an agent."""
    return Route(
        Deliverer(delivery, clock, effects),
        attempts=delivery.attempts,
        timeout_s=delivery.timeout_s,
        backoff_s=delivery.backoff_s,
        in_flight=delivery.at_once,
    )
