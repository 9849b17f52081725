"""An application of three topics on one state partition, and of a fourth one on another.

Deposits, withdrawals and refunds have the default number of partitions; what a deposit emits is
taken by another agent, whose topic has three. Uses the public API only.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from streamagents import Context, Event, Route, create_app

_JOURNAL = os.open(
    Path(os.environ.get("JOBS_JOURNAL", os.devnull)), os.O_WRONLY | os.O_APPEND | os.O_CREAT
)


class Deposit(Event, topic="deposit", key="who", id="n"):
    n: int
    who: str
    what: str = "nothing"
    seconds: float = 0.0


class Withdrawal(Event, topic="withdrawal", key="who", id="n"):
    n: int
    who: str
    what: str = "nothing"
    seconds: float = 0.0


class Refund(Event, topic="refund", key="who", id="n"):
    n: int
    who: str
    what: str = "nothing"
    seconds: float = 0.0


class Audit(Event, topic="audit", key="who", id="n", partitions=3):
    """A deposit is to be looked at: emitted by one agent, taken by another."""

    n: int
    who: str
    what: str = "nothing"
    seconds: float = 0.0


class Booked(Event, topic="booked", key="who"):
    """Something was done."""

    kind: str
    n: int
    who: str
    number: int
    """Which of its kind it is for this customer, as the state says."""


class Till:
    """Books whatever it is; a deposit is audited, too."""

    async def book(self, event: Deposit | Withdrawal | Refund | Audit, ctx: Context) -> Booked:
        kind = event.event_type.type
        if event.what == "fail once" and ctx.event.attempt == 1:
            ctx.emit(Booked(kind="never", n=event.n, who=event.who, number=0))
            ctx.state.set("number", -1)
            raise ValueError("not at once")
        number = ctx.state.get("number", 0) + 1
        ctx.state.set("number", number)
        await asyncio.sleep(event.seconds)
        if kind == "deposit":
            ctx.emit(Audit(n=event.n, who=event.who))
        os.write(_JOURNAL, f"end {kind}-{event.n} {os.getpid()}\n".encode())
        return Booked(kind=kind, n=event.n, who=event.who, number=number)


class Deposits(Till):
    async def run(self, event: Deposit, ctx: Context) -> Booked:
        return await self.book(event, ctx)


class Withdrawals(Till):
    async def run(self, event: Withdrawal, ctx: Context) -> Booked:
        return await self.book(event, ctx)


class Refunds(Till):
    async def run(self, event: Refund, ctx: Context) -> Booked:
        return await self.book(event, ctx)


class Auditor(Till):
    async def run(self, event: Audit, ctx: Context) -> Booked:
        return await self.book(event, ctx)


class Leftovers:
    async def run(self, event: dict[str, object]) -> None:
        """Take anything."""


app = create_app(
    "till",
    agents={
        "deposit": Route(Deposits(), backoff_s=0.2),
        "withdrawal": Route(Withdrawals(), backoff_s=0.2),
        "refund": Route(Refunds(), backoff_s=0.2),
        "audit": Route(Auditor(), backoff_s=0.2),
    },
    fallback=Leftovers(),
    emits=[Audit],
)
