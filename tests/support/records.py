"""Records and agents for the tests of the pipeline and the runtime."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from streamagents.actions import Action
from streamagents.agents import Registration, Route, build_registry
from streamagents.errors import RetryLater
from streamagents.events import Event
from streamagents.pipeline.chain import Subscription
from streamagents.testing.bus import MemoryRecord, murmur2_partition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamagents.agents import Context, EventInfo
    from streamagents.events import Headers

PARTITIONS = 4


class Order(Event, topic="order", key="customer"):
    """Has a key field and an id field, both optional."""

    customer: str | None = None
    id: str | None = None
    amount: int = 0


class Receipt(Event, topic="receipt", key="number"):
    """What agents emit here."""

    number: str | None = None
    id: str | None = None
    text: str = ""


class Note(Action, via="note"):
    """An effect, as agents decide it here."""

    text: str = ""


class Scripted:
    """An agent that does, call by call, what a test told it; the last thing again and again."""

    def __init__(self, *steps: Any) -> None:
        self.steps = list(steps) or [None]
        self.calls: list[EventInfo] = []

    async def run(self, order: Order, ctx: Context) -> Any:
        """Raise, return or await the next step."""
        self.calls.append(ctx.event)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, BaseException):
            raise step
        return await step(order, ctx) if callable(step) else step


class Clerk:
    """Takes note of every call; `plan` has, by amount, what it does first: waits or errors."""

    def __init__(self, plan: Mapping[int, Sequence[float | BaseException]] | None = None) -> None:
        self.plan = {amount: list(todo) for amount, todo in (plan or {}).items()}
        self.calls: list[EventInfo] = []
        self.handled: list[int] = []

    async def run(self, order: Order, ctx: Context) -> None:
        """Put the event off, raise, or handle it."""
        self.calls.append(ctx.event)
        todo = self.plan.get(order.amount)
        if todo:
            what = todo.pop(0)
            raise what if isinstance(what, BaseException) else RetryLater(what, "busy")
        self.handled.append(order.amount)


class Anything:
    """A fallback agent: takes raw data."""

    async def run(self, event: dict[str, Any]) -> None:
        """Take any event."""


def registration(agent: Any = None, type_: str = "order", **policy: Any) -> Registration:
    """An agent as the runtime runs it; by default one that takes every `Order`."""
    route = Route(Scripted() if agent is None else agent, **{"backoff_s": 0, **policy})
    return build_registry({type_: route}, fallback=Anything()).agents[type_]


def fallback() -> Registration:
    """The fallback agent as the runtime runs it."""
    return build_registry({}, fallback=Anything()).fallback


def subscription(owner: Registration | None = None, topic: str | None = None) -> Subscription:
    """A topic of four partitions and its agent."""
    owner = owner or registration()
    topic = topic or owner.event.topic
    return Subscription(
        topic=topic, letters=topic + ".dlq", partitions=PARTITIONS, registration=owner
    )


def record(
    value: bytes | None = b"{}",
    *,
    topic: str = "order",
    partition: int = 0,
    offset: int = 7,
    key: bytes | None = None,
    headers: Any = (),
    timestamp: int = 1_767_225_600_000,
) -> MemoryRecord:
    """One record; `headers` may hold None values and bytes that are no UTF-8, as Kafka's do."""
    return MemoryRecord(
        topic=topic,
        partition=partition,
        offset=offset,
        key=key,
        value=value,
        headers=cast("Headers", headers),
        timestamp=timestamp,
    )


def off_place(key: bytes) -> int:
    """A partition where this key does not belong."""
    return (murmur2_partition(key, PARTITIONS) + 1) % PARTITIONS


def ada(*amounts: int) -> list[bytes]:
    """Values of orders of one customer."""
    return [b'{"customer":"ada","amount":%d}' % amount for amount in amounts]


def bob(*amounts: int) -> list[bytes]:
    """Values of orders of another one."""
    return [b'{"customer":"bob","amount":%d}' % amount for amount in amounts]


def orders(*offsets: int) -> list[MemoryRecord]:
    """Records of unremarkable events."""
    return [record(b"{}", offset=offset) for offset in offsets]


async def turns(count: int = 20) -> None:
    """Let every task run that can."""
    for _ in range(count):
        await asyncio.sleep(0)
