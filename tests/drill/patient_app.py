"""The application whose ailments are timed: each event says what is to go wrong with it.

An ailment that can end lasts for as long as the file `ill` lies in the folder of the gates.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from streamagents import Context, Event, RetryLater, Route, create_app

_ILL = Path(os.environ.get("JOBS_GATES", os.devnull)) / "ill"
TIMEOUT_S = 5.0
_SLICE_S = 0.1


class Visit(Event, topic="visit", key="who", id="n"):
    """Somebody comes, and something is wrong with them."""

    n: int
    who: str
    what: str = ""
    seconds: float = 0.0


class Stay(Visit, topic="stay", key="who", id="n"):
    """Of an agent that is allowed to take long."""


class Slot(Visit, topic="slot", key="who", id="n"):
    """Of a plain function, which nobody can cut off."""


def _suffer() -> None:
    while _ILL.exists():
        time.sleep(_SLICE_S)


class Doctor:
    """Does what the event says."""

    async def run(self, visit: Visit, ctx: Context) -> None:
        """Be ill."""
        match visit.what:
            case "hold":
                _suffer()
            case "die" if _ILL.exists():
                os._exit(9)
            case "fail":
                raise ValueError("no cure")
            case "later" if ctx.now().timestamp() < visit.seconds:
                raise RetryLater(visit.seconds - ctx.now().timestamp())


class Ward:
    """Takes its time, and is well."""

    async def run(self, stay: Stay, ctx: Context) -> None:
        """Sleep."""
        await asyncio.sleep(stay.seconds)


class Chair:
    """A thread that hangs."""

    def run(self, slot: Slot, ctx: Context) -> None:
        """Hang."""
        _suffer()


class Leftovers:
    """The fallback."""

    async def run(self, event: dict[str, object]) -> None: ...


app = create_app(
    "patient",
    agents={
        "visit": Route(Doctor(), attempts=1, backoff_s=0.2),
        "stay": Route(Ward(), timeout_s=3600),
        "slot": Route(Chair(), timeout_s=TIMEOUT_S, attempts=2),
    },
    fallback=Leftovers(),
)
