"""Streams: one Faust agent a topic. It gets whole polls, and hands them to the engine."""

from __future__ import annotations

import re
from typing import Any


def add_stream(app: Any, topic: str) -> None:
    """Consume a topic with a Faust agent of its own, as `faust agents` shows it."""
    raw = app.topic(
        topic,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        # Decoding is ours: Faust acknowledges what it cannot decode, and loses it.
        allow_empty=True,
    )

    async def consume(stream: Any) -> None:
        async for poll in stream.noack():
            app.engine.take(poll)

    consume.__doc__ = f"Consumes {topic}."
    consume.__name__ = consume.__qualname__ = "consume_" + re.sub(r"\W", "_", topic)
    app.agent(raw, name=f"{app.conf.id}.{consume.__name__}")(consume)
