"""The application under chaos: public API only. `faust -A chaos.app worker`.

Async agents and a plain one, typed and raw, one agent for two types, two numbers of partitions, and
an agent whose events are what another one emits.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from chaos.journal import Run
from chaos.shapes import FOLLOW, POISONED
from streamagents import Context, Event, Reject, Route, create_app


class Receipt(Event, topic="receipt", key="who"):
    """What every finished event leaves behind, for the checker."""

    who: str
    of: int
    run: str
    part: int


class Order(Event, topic="order", key="who"):
    id: str
    who: str
    e: int
    mode: str = "ok"
    s: float = 0.0
    parts: int = 1
    follow: bool = False


class Follow(Event, topic="follow", key="who"):
    """What some orders emit, and another agent takes."""

    who: str
    e: int
    run: str


class Parcel(Event, topic="parcel", partitions=3):
    """Without a key field: the record's key counts, else the id."""

    id: str
    e: int
    mode: str = "ok"
    s: float = 0.0
    parts: int = 1


def _misbehave(run: Run, mode: str, attempt: int) -> None:
    if mode == "poison":
        os._exit(POISONED)
    if mode == "reject":
        run.note("reject")
        raise Reject("it was asked for")
    if mode == "fail" or (mode == "once" and attempt == 1):
        run.note("fail", attempt=attempt)
        raise ValueError("as asked")


async def _work(run: Run, data: dict[str, Any], ctx: Context) -> None:
    try:
        await asyncio.sleep(data.get("s", 0.0))
    except BaseException:
        run.note("cancel")
        raise
    _misbehave(run, data.get("mode", "ok"), ctx.event.attempt)


def _receipts(run: Run, e: int, parts: int, ctx: Context) -> list[Receipt]:
    """Emit one in either way that there is."""
    who = ctx.event.key or ctx.event.id
    receipts = [Receipt(who=who, of=e, run=run.name, part=part) for part in range(parts)]
    for receipt in receipts[1:]:
        ctx.emit(receipt)
    run.note("end")
    return receipts[:1]


class Seller:
    async def run(self, order: Order, ctx: Context) -> list[Receipt]:
        run = Run(order.e, "Seller", ctx)
        await _work(run, order.model_dump(), ctx)
        if order.follow:
            ctx.emit(Follow(who=order.who, e=order.e + FOLLOW, run=run.name))
        return _receipts(run, order.e, order.parts, ctx)


class Follower:
    async def run(self, follow: Follow, ctx: Context) -> list[Receipt]:
        run = Run(follow.e, "Follower", ctx)
        return _receipts(run, follow.e, 1, ctx)


class Clerk:
    """Takes two types: of one customer it never handles both at once."""

    async def run(self, event: dict[str, Any], ctx: Context) -> list[Receipt]:
        run = Run(event["e"], "Clerk", ctx)
        await _work(run, event, ctx)
        return _receipts(run, event["e"], event["parts"], ctx)


class Carrier:
    """A plain function: it runs in a thread."""

    def run(self, parcel: Parcel, ctx: Context) -> list[Receipt]:
        run = Run(parcel.e, "Carrier", ctx)
        time.sleep(parcel.s)
        _misbehave(run, parcel.mode, ctx.event.attempt)
        return _receipts(run, parcel.e, parcel.parts, ctx)


class Finder:
    """The fallback agent: events of types that nobody registered."""

    async def run(self, event: dict[str, Any], ctx: Context) -> list[Receipt]:
        run = Run(event["e"], "Finder", ctx)
        await _work(run, event, ctx)
        return _receipts(run, event["e"], event["parts"], ctx)


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
        "parcel": Route(Carrier(), backoff_s=_BACKOFF_S),
    },
    fallback=Finder(),
    emits=[Receipt, Follow],
)
