"""An application for the size guard: agents that emit records as large as they are told to."""

from __future__ import annotations

import os
from pathlib import Path

from streamagents import Context, Event, Route, create_app
from streamagents.runtime import transaction

transaction.TIMEOUT_MS = int(os.environ.get("PARCELS_TRANSACTION_MS", "60000"))
_JOURNAL = os.open(
    Path(os.environ.get("JOBS_JOURNAL", os.devnull)), os.O_WRONLY | os.O_APPEND | os.O_CREAT
)


class Parcel(Event, topic="parcel", key="n", id="n"):
    """Something to be unpacked into boxes."""

    n: int
    places: tuple[str, ...] = ("here",)
    """One box each; its place is its key."""
    size: int = 0
    """Characters of each box."""
    what: str = "nothing"
    filling: str = ""


class Box(Event, topic="box", key="place", partitions=12):
    """What came out of a parcel."""

    n: int
    place: str
    filling: str


class Unpacker:
    async def run(self, parcel: Parcel, ctx: Context) -> None:
        os.write(_JOURNAL, f"start {parcel.n} {ctx.event.attempt} {os.getpid()}\n".encode())
        if parcel.what == "fail":
            raise ValueError("not unpacked")
        for place in parcel.places:
            ctx.emit(Box(n=parcel.n, place=place, filling="x" * parcel.size))


class Leftovers:
    async def run(self, event: dict[str, object]) -> None:
        """Take anything."""


app = create_app(
    "parcels",
    agents={"parcel": Route(Unpacker(), attempts=1)},
    fallback=Leftovers(),
    emits=[Box],
)
