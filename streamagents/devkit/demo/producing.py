"""Producing: the samples go through Kafka, as any client would send them."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING, Protocol

from streamagents.devkit.demo.facts import Content
from streamagents.devkit.demo.summary import Sent
from streamagents.ports import Outgoing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from streamagents.events import Headers
    from streamagents.ports import Bus
    from streamagents.runtime.app import StreamApp


class Sample(Protocol):
    """One record to be sent, ready to go."""

    @property
    def name(self) -> str:
        """What people call it; two that share an id may have different names."""

    @property
    def type(self) -> str:
        """The event's type."""

    @property
    def via(self) -> str:
        """`typed`: to the topic of its type; else to the inbox."""

    @property
    def id(self) -> str:
        """The event's id."""

    @property
    def source(self) -> str:
        """The event's source; empty where the sender names none."""

    @property
    def key(self) -> bytes | None:
        """The record's key."""

    @property
    def value(self) -> bytes:
        """The record's value."""

    @property
    def headers(self) -> Headers:
        """The record's headers."""


def new_run_id() -> str:
    """An id that no other run has, on any machine."""
    return f"{time.strftime('%m%d-%H%M%S')}-{secrets.token_hex(3)}"


async def produce(
    bus: Bus, samples: Sequence[Sample], app: StreamApp, *, pace_s: float = 0.0
) -> AsyncIterator[Sent]:
    """Send the samples one after the other; each is told of once the broker has it."""
    inbox = app.layout.inbox().name
    for sample in samples:
        registration = app.registry.for_type(sample.type)
        home = inbox if registration is None else app.layout.typed(registration.event).name
        topic = home if sample.via == "typed" else inbox
        position = await bus.send(
            Outgoing(topic=topic, key=sample.key, value=sample.value, headers=sample.headers)
        )
        yield Sent(
            name=sample.name,
            id=sample.id,
            source=sample.source,
            home=home,
            position=position,
            content=Content(key=sample.key, value=sample.value, headers=sample.headers),
        )
        await asyncio.sleep(pace_s)
