"""What the agents under chaos do with an event, told to the journal: public API only."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from chaos.channels import action
from chaos.journal import Run, wait_until
from chaos.shapes import POISONED
from streamagents import Event, Reject, RetryLater

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamagents import Context


class Receipt(Event, topic="receipt", key="who"):
    """What every finished event leaves behind, for the checker."""

    who: str
    of: int
    run: str
    part: int
    tokens: tuple[str, ...] = ()
    """Of each step, what was paid for."""
    n: int | None = None
    """How many of its key have been counted, this one included."""
    odd: bool | None = None
    """Whether the state held what every second event puts there."""


class AskedForError(Exception):
    """Raised by an event that is to fail."""


class Tally(BaseModel):
    """What an agent counts, of one key."""

    count: int = 0
    last: int = -1


class Found(BaseModel):
    """What a step returns."""

    token: str


class Steps:
    """Three steps that are paid for: one async with a model, one plain, one with plain JSON."""

    def __init__(self, run: Run, data: dict[str, Any], attempt: int) -> None:
        self._run, self._s = run, data.get("s", 0.0) / 3
        self._fails = data.get("mode") == "once" and data["e"] % 2 == 0 and attempt == 1

    async def take(self, e: int, ctx: Context) -> list[str]:
        """Take them; the tokens that the runtime hands out."""
        found = await ctx.step("look", self.look, e)
        thought = await ctx.step("think", self.think, e)
        written = await ctx.step("write", self.write, e, thought)
        return [found.token, thought, written["token"]]

    async def look(self, e: int) -> Found:
        self._run.note("paying", step="look")
        await asyncio.sleep(self._s)
        return Found(token=self._paid("look"))

    def think(self, e: int) -> str:
        self._run.note("paying", step="think")
        time.sleep(min(self._s, 1.0))  # in a thread, which nobody can cancel
        if self._fails:
            raise AskedForError
        return self._paid("think")

    async def write(self, e: int, thought: str) -> dict[str, str]:
        self._run.note("paying", step="write")
        await asyncio.sleep(self._s)
        return {"token": self._paid("write"), "after": thought}

    def _paid(self, step: str) -> str:
        token = f"{self._run.name}-{step}"
        self._run.note("paid", step=step, token=token)
        return token


class Job:
    """One run on one event."""

    def __init__(self, run: Run, data: dict[str, Any], ctx: Context) -> None:
        self.run, self.data, self.ctx = run, data, ctx
        self._leaves: dict[str, Any] = {}

    async def work(self) -> None:
        """Do all of it but the end, as an async agent does."""
        with self.told():
            self.begin()
            if self.data.get("steps"):
                steps = Steps(self.run, self.data, self.ctx.event.attempt)
                self._leaves["tokens"] = await steps.take(self.data["e"], self.ctx)
            else:
                await asyncio.sleep(self.data.get("s", 0.0))
            self.misbehave()

    @contextmanager
    def told(self) -> Iterator[None]:
        """Tell the journal of what ends a run before its end."""
        try:
            yield
        except AskedForError:
            self.run.note("fail", attempt=self.ctx.event.attempt)
            raise
        except asyncio.CancelledError:
            self.run.note("cancel")
            raise
        except (RetryLater, Reject):
            raise  # they have told it themselves
        except BaseException as exc:
            self.run.note("odd", error=repr(exc))
            raise

    def begin(self) -> None:
        """Change the state and decide effects: what does not come to its end leaves no trace."""
        if self.data.get("count") or self.data.get("audit"):
            self._count()
        if seconds := self.data.get("wait"):
            until = wait_until(self.data["e"], seconds)
            if (left := until - time.time()) > 0:
                self.run.note("wait", until=until)
                raise RetryLater(left)
        for act in self.data.get("acts", ()):
            self.ctx.act(action(self.data["e"], act), name=act["name"] or None)

    def _count(self) -> None:
        state, audit = self.ctx.state, self.data.get("audit")
        tally = state.get("tally", Tally(), type=Tally)
        odd = bool(state.get("odd", 0))
        if not audit:
            tally = Tally(count=tally.count + 1, last=self.data["e"])
            state.set("tally", tally)
            if odd:
                state.delete("odd")
            else:
                state.set("odd", 1)
        self._leaves |= {"n": tally.count, "odd": odd}

    def misbehave(self) -> None:
        """Fail, or die, if that was asked for."""
        mode, attempt = self.data.get("mode", "ok"), self.ctx.event.attempt
        if mode == "poison":
            os._exit(POISONED)
        if mode == "reject":
            self.run.note("reject")
            raise Reject("it was asked for")
        if mode == "fail" or (mode == "once" and attempt == 1):
            raise AskedForError

    def end(self) -> list[Receipt]:
        """Leave receipts, emitted in either way that there is."""
        who, e = self.ctx.event.key or self.ctx.event.id, self.data["e"]
        receipts = [
            Receipt(who=who, of=e, run=self.run.name, part=part, **self._leaves)
            for part in range(self.data["parts"])
        ]
        for receipt in receipts[1:]:
            self.ctx.emit(receipt)
        self.run.note("end")
        return receipts[:1]
