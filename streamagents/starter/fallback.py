"""The fallback agent: takes what no other agent takes, and says what it was."""

from typing import Any

from pydantic_core import to_json

from streamagents import Context
from streamagents.starter.events import UnknownEventSeen
from streamagents.starter.reading import one_line

SHOWN_FIELDS = 100


def describe(event: dict[str, Any], *, type_: str, topic: str, source: str) -> UnknownEventSeen:
    """What an unknown event looked like, bounded: names of fields, never their values."""
    names = sorted(one_line(name) for name in event)
    return UnknownEventSeen(
        type=one_line(type_, 249),
        topic=topic,
        source=one_line(source, 249),
        fields=names[:SHOWN_FIELDS],
        field_count=len(names),
        size_bytes=len(to_json(event)),
    )


class FallbackAgent:
    """Handles events of every type that has no agent of its own."""

    async def run(self, event: dict[str, Any], ctx: Context) -> None:
        """Log the event's type and fields, and emit `unknown_event_seen`."""
        seen = describe(event, type_=ctx.event.type, topic=ctx.event.topic, source=ctx.event.source)
        ctx.log.warning(
            "no agent takes this type of event",
            action="unknown_event_seen",
            type=seen.type,
            fields=seen.fields,
            size_bytes=seen.size_bytes,
        )
        ctx.emit(seen)
