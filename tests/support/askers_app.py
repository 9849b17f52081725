"""An application whose agent asks a model that is paid by the token, and that can fail for a while.

Runs in worker processes of its own (`faust -A support.askers_app`). Its model is a function: who
asked for what, and when, is in the journal before the answer is.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from streamagents import Context, Event, Route, create_app
from streamagents.errors import ModelError
from streamagents.llm import Budget
from streamagents.ports import Answer, Question, Usage
from support.jobs_app import Leftovers, note

ASKED, ANSWERED = 100, 50
"""Tokens of each call, in and out."""
_SECONDS = float(os.environ.get("ASKERS_SECONDS", "0.05"))
_BACK = Path(os.environ["ASKERS_BACK"]) if "ASKERS_BACK" in os.environ else None
"""The model is down until this file is there."""
_FAILS_FIRST = int(os.environ.get("ASKERS_FAIL_FIRST", "0"))
"""So many calls of each worker fail."""
_EVENT_TOKENS = int(os.environ.get("ASKERS_EVENT_TOKENS", "0")) or None


class Ask(Event, topic="ask", key="who", id="n"):
    """Something to ask."""

    n: int
    who: str
    times: int = 1


class Paid:
    """A model."""

    name = "paid"

    def __init__(self) -> None:
        self._called = 0

    async def open(self) -> None:
        """There is nothing to get ready."""

    async def answer(self, question: Question) -> Answer:
        """Answer after a moment."""
        note("call", question.max_tokens, time.time())
        self._called += 1
        fails = self._called <= _FAILS_FIRST
        await asyncio.sleep(_SECONDS)
        if fails or not (_BACK is None or _BACK.exists()):
            raise ModelError("It is down.", code="server_error")
        return Answer(
            content=({"type": "text", "text": "Yes."},),
            stop_reason="end_turn",
            model=question.model,
            provider=self.name,
            usage=Usage(ASKED, ANSWERED),
        )

    async def close(self) -> None:
        """Nothing is open."""


class Asker:
    """Asks."""

    async def run(self, ask: Ask, ctx: Context) -> None:
        """Ask as often as the event says."""
        note("start", ask.n, time.time())
        for number in range(ask.times):
            await ctx.llm.text(
                "Is it so?", data={"n": ask.n, "number": number}, max_tokens=ANSWERED
            )
        note("end", ask.n, time.time())


app = create_app(
    "askers",
    agents={"ask": Route(Asker(), attempts=5, budget=Budget(tokens_per_event=_EVENT_TOKENS))},
    fallback=Leftovers(),
    model=Paid(),
)
