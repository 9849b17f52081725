"""The application of the drill: public API only. `DRILL_VERSION` is what was deployed."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from drill.journal import has_posted, note
from drill.shapes import BROKEN
from streamagents import Context, Event, Route, create_app
from streamagents.actions import Action, Delivery

if TYPE_CHECKING:
    from streamagents.actions import Effect

VERSION = os.environ.get("DRILL_VERSION", "1")
_WORK_S = 0.02


class Order(Event):
    """What all three have in common."""

    n: int
    customer: str
    country: str


class Bill(Order, topic="bill", key="customer", id="n"):
    """Of the agent that breaks."""


class Visit(Order, topic="visit", key="customer", id="n"):
    """Of one that does not."""


class Parcel(Order, topic="parcel", key="customer", id="n"):
    """Of a plain function."""


class Receipt(Event, topic="receipt", key="customer"):
    """What each of them leaves: `count` is the agent's state of this customer."""

    n: int
    of: str
    customer: str
    count: int


class Post(Action, via="post"):
    """A letter on paper."""

    n: int


class PostOffice:
    """The world outside: a line for each effect, and it can be asked."""

    name, action = "post", Post

    async def send(self, action: Post, effect: Effect) -> None:
        """Let it happen."""
        note("posted", n=action.n, id=effect.id)

    async def reconcile(self, action: Post, effect: Effect) -> bool:
        """Whether it has happened."""
        return await asyncio.to_thread(has_posted, effect.id)


class Run:
    """One run of an agent, told to the journal."""

    def __init__(self, order: Order, ctx: Context) -> None:
        self._order, self._ctx = order, ctx
        replay = ctx.event.headers.get("streamagents-replay-count", b"")
        self._said = {"n": order.n, "topic": ctx.event.topic, "key": order.customer}
        note("begin", **self._said, replay=bytes(replay).decode(), version=VERSION)

    def pay(self) -> str:
        """Costs money."""
        note("paid", **self._said)
        return VERSION

    def end(self) -> Receipt:
        """Count, act, answer."""
        state, order = self._ctx.state, self._order
        count = state.get("count", 0, type=int) + 1
        state.set("count", count)
        self._ctx.act(Post(n=order.n), name="post")
        note("end", **self._said)
        topic = type(order).event_type.topic
        return Receipt(n=order.n, of=topic, customer=order.customer, count=count)


class Biller:
    """Breaks in version 2, for one country, when it has paid."""

    version = VERSION

    async def run(self, bill: Bill, ctx: Context) -> Receipt:
        """Pay, and answer."""
        run = Run(bill, ctx)
        await ctx.step("pay", run.pay)
        await asyncio.sleep(_WORK_S)
        if VERSION == BROKEN and bill.country == "DE":
            note("failed", n=bill.n)
            raise KeyError("iban")
        return run.end()


class Host:
    """Never breaks."""

    version = VERSION

    async def run(self, visit: Visit, ctx: Context) -> Receipt:
        """Pay, and answer."""
        run = Run(visit, ctx)
        await ctx.step("pay", run.pay)
        await asyncio.sleep(_WORK_S)
        return run.end()


class Courier:
    """A plain function: it runs in a thread."""

    version = VERSION

    def run(self, parcel: Parcel, ctx: Context) -> Receipt:
        """Answer."""
        return Run(parcel, ctx).end()


class Leftovers:
    """The fallback: nobody sends anything else."""

    async def run(self, event: dict[str, Any]) -> None: ...


app = create_app(
    "drill",
    agents={
        "bill": Route(Biller(), attempts=2, backoff_s=0.2),
        "visit": Host(),
        "parcel": Courier(),
    },
    fallback=Leftovers(),
    channels=[Delivery(PostOffice())],
)
