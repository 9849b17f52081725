"""The application under chaos: public API only. `faust -A chaos.app worker`.

Async agents and a plain one, typed and raw, one agent for two types, two numbers of partitions,
agents whose events are what another one emits, at once or for later, and four channels.
"""

from __future__ import annotations

import time
from typing import Any

from chaos.channels import deliveries
from chaos.journal import Run
from chaos.shapes import FOLLOW, REMIND
from chaos.work import Job, Receipt
from streamagents import Context, Event, Route, create_app


class Chore(Event):
    """What orders and parcels have in common; see `work.py` for what becomes of it."""

    id: str
    e: int
    mode: str = "ok"
    s: float = 0.0
    parts: int = 1
    count: bool = False
    audit: bool = False
    wait: float = 0.0
    acts: tuple[dict[str, Any], ...] = ()


class Order(Chore, topic="order", key="who"):
    who: str
    steps: bool = False
    follow: bool = False
    later: float | None = None


class Follow(Event, topic="follow", key="who"):
    """What some orders emit, and another agent takes."""

    who: str
    e: int
    run: str


class Reminder(Event, topic="reminder", key="who"):
    """What some orders emit for later."""

    who: str
    e: int
    run: str


class Parcel(Chore, topic="parcel", partitions=3):
    """Without a key field: the record's key counts, else the id."""


class Seller:
    async def run(self, order: Order, ctx: Context) -> list[Receipt]:
        run = Run(order.e, "Seller", ctx)
        job = Job(run, order.model_dump(), ctx)
        if order.follow:
            ctx.emit(Follow(who=order.who, e=order.e + FOLLOW, run=run.name))
        if order.later is not None:
            reminder = Reminder(who=order.who, e=order.e + REMIND, run=run.name)
            ctx.emit(reminder, delay_s=order.later)
        await job.work()
        return job.end()


class Follower:
    async def run(self, follow: Follow, ctx: Context) -> list[Receipt]:
        run = Run(follow.e, "Follower", ctx)
        return Job(run, {"e": follow.e, "parts": 1}, ctx).end()


class Minder:
    async def run(self, reminder: Reminder, ctx: Context) -> list[Receipt]:
        run = Run(reminder.e, "Minder", ctx)
        return Job(run, {"e": reminder.e, "parts": 1}, ctx).end()


class Clerk:
    """Takes two types: of one customer it never handles both at once."""

    async def run(self, event: dict[str, Any], ctx: Context) -> list[Receipt]:
        job = Job(Run(event["e"], "Clerk", ctx), event, ctx)
        await job.work()
        return job.end()


class Carrier:
    """A plain function: it runs in a thread."""

    def run(self, parcel: Parcel, ctx: Context) -> list[Receipt]:
        job = Job(Run(parcel.e, "Carrier", ctx), parcel.model_dump(), ctx)
        with job.told():
            job.begin()
            time.sleep(parcel.s)
            job.misbehave()
        return job.end()


class Finder:
    """The fallback agent: events of types that nobody registered."""

    async def run(self, event: dict[str, Any], ctx: Context) -> list[Receipt]:
        job = Job(Run(event["e"], "Finder", ctx), event, ctx)
        await job.work()
        return job.end()


_clerk = Clerk()
# Long enough for a fault to hit the wait between two attempts.
_BACKOFF_S = 3.0
app = create_app(
    "chaos",
    agents={
        "order": Route(Seller(), backoff_s=_BACKOFF_S),
        "payment": Route(_clerk, backoff_s=_BACKOFF_S),
        "refund": Route(_clerk, backoff_s=_BACKOFF_S),
        "follow": Follower(),
        "reminder": Minder(),
        "parcel": Route(Carrier(), backoff_s=_BACKOFF_S),
    },
    fallback=Finder(),
    emits=[Receipt],
    channels=deliveries(),
)
