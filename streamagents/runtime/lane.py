"""Which lane an event runs in."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from streamagents.pipeline.places import lane_digest

if TYPE_CHECKING:
    from streamagents.pipeline.outcome import Incoming

Lane: TypeAlias = tuple[str, bytes] | tuple[str, int]


def lane_of(incoming: Incoming) -> Lane:
    """One agent and key. Without a key nothing ties it to another event: a lane of its own."""
    if incoming.key is None:
        if incoming.forwarded is not None:  # replayed twice at once it must not run twice
            return (incoming.record.topic, str(incoming.origin).encode())
        return (incoming.record.topic, incoming.record.offset)
    return (incoming.registration.name, incoming.key)


def digest_of(lane: Lane) -> bytes:
    """The lane's name in the state."""
    owner, part = lane
    return lane_digest(owner.encode(), part if isinstance(part, bytes) else b"%d" % part)
