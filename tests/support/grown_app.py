"""The application of the tests that give a topic more partitions: `GROWN` says how many it has."""

from __future__ import annotations

import os
from pathlib import Path

from streamagents import Context, Event, RetryLater, Route, create_app

_JOURNAL = Path(os.environ.get("JOBS_JOURNAL", os.devnull))
_FD = os.open(_JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


class Coin(Event, topic="coin", key="who", id="n", partitions=int(os.environ.get("GROWN", "4"))):
    """Something that is counted."""

    n: int
    who: str
    what: str = ""


class Counted(Event, topic="counted", key="who"):
    """What the counter said."""

    n: int
    who: str
    count: int


class CoinAgent:
    """Counts the coins of a key, and pays for each once."""

    async def run(self, coin: Coin, ctx: Context) -> Counted:
        """Count, or do what the event says."""
        await ctx.step("pay", self.pay, coin.n)
        if coin.what == "later" and ctx.now().timestamp() < float(os.environ.get("LATER", "0")):
            raise RetryLater(31)
        if coin.what == "fail" and "streamagents-replay-count" not in ctx.event.headers:
            raise ValueError("not yet")
        count = ctx.state.get("count", 0, type=int) + 1
        ctx.state.set("count", count)
        return Counted(n=coin.n, who=coin.who, count=count)

    def pay(self, n: int) -> None:
        """Costs money."""
        os.write(_FD, b"pay %d\n" % n)


class Leftovers:
    """The fallback."""

    async def run(self, event: dict[str, object]) -> None:
        """Nothing comes here."""


app = create_app("grown", agents={"coin": Route(CoinAgent(), attempts=1)}, fallback=Leftovers())
