"""The outbox's side of the runtime: a channel is run like an agent, with a mark before each run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.actions.deliver import route_of
from streamagents.agents import Registration
from streamagents.events import EventType
from streamagents.pipeline.outbox import TYPE_PREFIX
from streamagents.topics import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.actions import Delivery
    from streamagents.ports import Clock, Effects

_EVENT = EventType(
    type=TYPE_PREFIX.rstrip("."),
    topic=ACTIONS,
    key=None,
    id=None,
    tombstones="letter",
    partitions=None,
)


def register_channels(
    deliveries: Mapping[str, Delivery], clock: Clock, effects: Effects | None = None
) -> dict[str, Registration]:
    """The channels as the runtime runs them, by name.

    A run leaves the process and cannot be taken back, so each has a durable mark before it begins:
    whoever finds one that never ended knows that it may have happened.
    """
    routes = {name: route_of(delivery, clock, effects) for name, delivery in deliveries.items()}
    return {
        name: Registration(
            type=TYPE_PREFIX + name,
            route=route,
            name=name,
            version="1",
            event=_EVENT,
            model=None,
            wants_context=True,
            is_async=True,
            marked=True,
            turn=route.agent.turn,
        )
        for name, route in routes.items()
    }
