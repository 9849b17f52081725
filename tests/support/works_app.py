"""The application of the promise tests of steps, state, waits, effects and the sweep.

Uses the public API only, and runs in worker processes of its own (`faust -A support.works_app`).
Agents and channels keep a journal, and wait for gates: files that a test makes.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from streamagents import Context, Event, Reject, RetryLater, Route, create_app
from streamagents.actions import Action, Delivery, Effect

_JOURNAL = Path(os.environ.get("JOBS_JOURNAL", os.devnull))
_GATES = Path(os.environ.get("JOBS_GATES", os.devnull))
_FD = os.open(_JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def note(*words: object) -> None:
    """One line, in one write: what a kill leaves is whole."""
    os.write(_FD, (" ".join(map(str, (*words, os.getpid()))) + "\n").encode())


async def opened(gate: str) -> None:
    """Wait for a gate; for none, not at all."""
    while gate and not os.access(_GATES / gate, os.F_OK):  # noqa: ASYNC110 - another process's
        await asyncio.sleep(0.02)


# -- steps ---------------------------------------------------------------------------------------


class Task(Event, topic="task", key="who", id="n"):
    """Something that takes several steps."""

    n: int
    who: str
    what: str = ""
    gate: str = ""


class Fussy(Task, topic="fussy", key="who", id="n"):
    """The same, for an agent that does not keep the steps of its other versions."""


class TaskDone(Event, topic="task_done", key="who"):
    """All its steps were taken."""

    n: int
    who: str
    receipt: str
    parcel: str


class Receipt(BaseModel):
    """What paying returns: types that JSON has not."""

    number: str
    price: Decimal
    at: datetime


async def pay(n: int) -> Receipt:
    """Costs money: each call is another payment."""
    note("pay", n)
    return Receipt(number=f"{n}-{uuid.uuid4().hex}", price=Decimal("0.10"), at=datetime.now(UTC))


def ship(receipt: Receipt) -> dict[str, str]:
    """A plain function, run in a thread."""
    note("ship", receipt.number.partition("-")[0], type(receipt.price).__name__)
    return {"parcel": uuid.uuid4().hex}


def secret() -> object:
    """What no JSON can hold."""
    return object()


class TaskAgent:
    """Pays, waits, ships."""

    version = os.environ.get("WORKS_VERSION", "1")

    async def run(self, task: Task, ctx: Context) -> TaskDone:
        """Do what the event says."""
        return await take_steps(task, ctx)


class FussyAgent:
    """The same, and pays again as another version."""

    version = TaskAgent.version
    keep_steps = False

    async def run(self, task: Fussy, ctx: Context) -> TaskDone:
        """Do what the event says."""
        return await take_steps(task, ctx)


async def take_steps(task: Task, ctx: Context) -> TaskDone:
    """Pay, be hindered as the event says, ship."""
    note("task", task.n, ctx.event.attempt)
    receipt = await ctx.step("pay", pay, task.n)
    note("paid", task.n, receipt.number, receipt.price + 1, receipt.at.tzinfo)
    await opened(task.gate)
    replayed = "streamagents-replay-count" in ctx.event.headers
    match task.what:
        case "fail once" if ctx.event.attempt == 1:
            raise ValueError("not at once")
        case "fail" if not replayed:
            raise ValueError("never")
        case "twice":
            await ctx.step("pay", pay, task.n)
        case "secret":
            await ctx.step("secret", secret)
        case "too large":
            await ctx.step("large", "x".__mul__, 6 << 20)
        case "tree":
            await ctx.step("tree", _branches(task, ctx))
        case "emit in a step":
            await ctx.step("emit", _emitting(task, ctx))
    shipped = await ctx.step("ship", ship, receipt)
    return TaskDone(n=task.n, who=task.who, receipt=receipt.number, parcel=shipped["parcel"])


def _branches(task: Task, ctx: Context) -> Any:
    async def tree() -> list[str]:
        note("tree", task.n)
        both = await asyncio.gather(
            ctx.step("left", pay, task.n + 1), ctx.step("right", pay, task.n + 2)
        )
        await opened(f"{task.gate}-branches")
        return [receipt.number for receipt in both]

    return tree


def _emitting(task: Task, ctx: Context) -> Any:
    async def emit() -> None:
        ctx.emit(TaskDone(n=task.n, who=task.who, receipt="", parcel=""))

    return emit


# -- state ---------------------------------------------------------------------------------------


class Counted(Event, topic="counted", key="who"):
    """What the counter said."""

    n: int
    who: str
    count: int


class Profile(BaseModel):
    """A value of the state."""

    first: int
    at: datetime


class CounterAgent:
    """Counts the events of a key, of whichever topic."""

    async def run(self, event: dict[str, Any], ctx: Context) -> None:
        """Count, and tell."""
        n, what = event["n"], event.get("what", "")
        note("count", n, ctx.event.key)
        count = ctx.state.get("count", 0, type=int) + 1
        ctx.state.set("count", count)
        if ctx.state.get("profile") is None:
            ctx.state.set("profile", Profile(first=n, at=ctx.now()))
        if what == "forget":
            ctx.state.delete("count")
        if what == "spoil":
            ctx.state.set("profile", {"first": "none"})
        if what == "large":
            ctx.state.set("large", "x" * (1 << 20))
        await asyncio.sleep(event.get("seconds", 0))
        await opened(event.get("gate", ""))
        if what == "fail" or (what == "fail once" and ctx.event.attempt == 1):
            raise ValueError(f"{n} cannot be counted")
        if what == "profile":
            profile = ctx.state.get("profile", Profile(first=-1, at=ctx.now()), type=Profile)
            note("profile", n, profile.first, profile.at.tzinfo)
        ctx.emit(Counted(n=n, who=ctx.event.key or "", count=count))


# -- waits ---------------------------------------------------------------------------------------


class Call(Event, topic="call", key="who", id="n"):
    """Something that may have to wait."""

    n: int
    who: str
    what: str = ""
    seconds: float = 0.0
    sent_at: float = Field(default_factory=time.time)


class Hurry(Event, topic="hurry", key="who", id="n"):
    """Something that may not wait for long."""

    n: int
    who: str


class CallAgent:
    """Calls, later if it has to."""

    async def run(self, call: Call, ctx: Context) -> None:
        """Do what the event says."""
        note("call", call.n, call.who, ctx.event.attempt, time.time())
        match call.what:
            case "later" if time.time() < call.sent_at + call.seconds:
                raise RetryLater(call.seconds, "engaged")
            case "hang":
                await opened("call")
            case "emit":
                ctx.emit(Call(n=call.n + 1000, who=call.who), delay_s=call.seconds)
            case "remind":
                later = max(0.0, call.sent_at - time.time())
                ctx.emit(Call(n=-call.n, who=call.who), delay_s=later)
            case "pause":
                until = ctx.now() + timedelta(seconds=call.seconds)
                app.pauses.pause("TaskAgent", until=until, reason="the budget is spent")
            case "resume":
                app.pauses.resume("TaskAgent")


class HurriedAgent:
    """Puts everything off."""

    async def run(self, event: Hurry, ctx: Context) -> None:
        """Not now."""
        note("hurry", event.n, ctx.event.attempt)
        raise RetryLater(3600, "engaged")


# -- effects -------------------------------------------------------------------------------------


class Note(Action, via="mail"):
    """What a channel delivers; `gate` is waited for before the peer has it, `after` behind that."""

    text: str
    what: str = ""
    gate: str = ""
    after: str = ""


class Transfer(Note, via="bank"):
    """Through a peer that takes idempotency keys."""


class Parcel(Note, via="shop"):
    """Through a peer that can be asked."""


class Ticket(Note, via="desk"):
    """Through a peer that must not get it twice."""


class Fax(Note, via="fax"):
    """Through a peer that must not get it twice, and has a second."""


class Signal(Note, via="smoke"):
    """Through a channel that the application does not have."""


ACTIONS: dict[str, type[Note]] = {kind.via: kind for kind in (Note, Transfer, Parcel, Ticket, Fax)}
ACTIONS["smoke"] = Signal


class Peer:
    """A channel that writes down what it does.

    Args:
        action: what it delivers.
        idempotent: the peer takes idempotency keys.
    """

    def __init__(self, action: type[Note], *, idempotent: bool = False) -> None:
        self.name, self.action, self.idempotent = action.via, action, idempotent

    async def send(self, action: Note, effect: Effect) -> None:
        """Deliver one effect."""
        key, again = effect.idempotency_key, "again" if effect.interrupted else "new"
        note("sending", self.name, effect.id, key, effect.attempt, again)
        await opened(action.gate)
        if action.what == "fail" or (action.what == "fail once" and effect.attempt == 1):
            raise ConnectionError("the peer is not there")
        if action.what == "reject":
            raise Reject("no such address")
        if action.what == "slow":
            await asyncio.sleep(0.1)
        note("sent", self.name, effect.id, effect.key, action.text)
        await opened(action.after)


class Shop(Peer):
    """One that can be asked what it has."""

    async def reconcile(self, action: Parcel, effect: Effect) -> bool:
        """Look into the peer's books, which are the journal."""
        books = await asyncio.to_thread(_JOURNAL.read_text)
        has = f"sent {self.name} {effect.id} " in books
        note("reconciled", self.name, effect.id, has)
        return has


class Deed(Event, topic="deed", key="who", id="n"):
    """Something that acts: per effect its channel, its text and what is to become of it."""

    n: int
    who: str
    acts: list[dict[str, str]]
    what: str = ""


class DeedAgent:
    """Acts."""

    async def run(self, deed: Deed, ctx: Context) -> None:
        """Decide the effects, then fail if it is to."""
        for act in deed.acts:
            fields = {name: act[name] for name in ("text", "what", "gate", "after") if name in act}
            await ctx.act(ACTIONS[act["via"]](**fields), name=act.get("name"))
        if deed.what == "fail" or (deed.what == "fail once" and ctx.event.attempt == 1):
            raise ValueError("not done")


class Leftovers:
    """The fallback."""

    async def run(self, event: dict[str, object], ctx: Context) -> None:
        """Take note of it."""
        note("fallback", ctx.event.type)


_counter = CounterAgent()

app = create_app(
    "works",
    agents={
        "task": Route(TaskAgent(), backoff_s=0.1),
        "fussy": FussyAgent(),
        "visit": Route(_counter, backoff_s=0.1),
        "bill": Route(_counter, backoff_s=0.1),
        "call": CallAgent(),
        "hurry": Route(HurriedAgent(), max_wait_s=2),
        "deed": Route(DeedAgent(), backoff_s=0.1),
    },
    fallback=Leftovers(),
    emits=[Counted],
    channels=[
        Delivery(Peer(Note), backoff_s=0.1),
        Delivery(Peer(Transfer, idempotent=True), backoff_s=0.1),
        Delivery(Shop(Parcel), backoff_s=0.1),
        Delivery(Peer(Ticket), backoff_s=0.1, on_unknown="review"),
        Delivery(Peer(Fax), backoff_s=0.1, on_unknown="review", timeout_s=1),
    ],
)
