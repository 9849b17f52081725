"""The application of the model's promises: each talk asks Claude four times, once with a tool.

Uses the public API only, and runs in worker processes of its own (`faust -A support.talks_app`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from streamagents import Context, Event, Route, create_app
from streamagents.actions import LogLine
from streamagents.llm import tool

_JOURNAL = os.open(
    Path(os.environ.get("JOBS_JOURNAL", os.devnull)), os.O_WRONLY | os.O_APPEND | os.O_CREAT
)


class Talk(Event, topic="talk", key="who", id="n"):
    """Something to talk about."""

    n: int
    who: str
    what: str = "nothing"


class TalkDone(Event, topic="talk_done", key="who"):
    """What was said."""

    n: int
    who: str
    said: list[str]


class Score(BaseModel):
    """What is extracted."""

    score: int


@tool(acts=True)
async def tell(text: str, ctx: Context) -> None:
    """Tell everybody."""
    ctx.act(LogLine(text=text))


class TalkAgent:
    """Asks, and asks again only in another attempt."""

    async def run(self, talk: Talk, ctx: Context) -> TalkDone:
        """Ask four times."""
        one = await ctx.llm.text("Say something.", data=talk)
        two = await ctx.llm.extract(Score, "Score it.", data=talk)
        if talk.what == "fail once" and ctx.event.attempt == 1:
            raise ValueError("not at once")
        three = await ctx.llm.run_tools("Tell everybody.", [tell], data=talk)
        if talk.what == "fail" or (talk.what == "fail late" and ctx.event.attempt == 1):
            raise ValueError("not at all")
        os.write(_JOURNAL, f"end {talk.n} {ctx.event.attempt} {os.getpid()}\n".encode())
        return TalkDone(n=talk.n, who=talk.who, said=[one, str(two.score), three.text])


class Leftovers:
    """The fallback."""

    async def run(self, event: dict[str, Any]) -> None:
        """Nothing comes here."""


app = create_app(
    "talks",
    agents={"talk": Route(TalkAgent(), backoff_s=0.2)},
    fallback=Leftovers(),
)
