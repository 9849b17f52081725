"""The application of the tests of ticks: two metronomes, and who leads in the journal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from streamagents import create_app
from support.metronome import Metronome

if TYPE_CHECKING:
    from streamagents import Context

EVERY_S = 2
"""Twice the leader's look: a slow machine must not make it miss a slot."""
_JOURNAL = os.open(
    Path(os.environ.get("JOBS_JOURNAL", os.devnull)), os.O_WRONLY | os.O_APPEND | os.O_CREAT
)


class Leftovers:
    """The fallback."""

    async def run(self, event: dict[str, object], ctx: Context) -> None:
        """Leave it."""


app = create_app(
    "ticks",
    agents={},
    fallback=Leftovers(),
    triggers=[Metronome("pulse", EVERY_S), Metronome("slow", 3600)],
)


@app.timer(0.5, on_leader=True)  # type: ignore[untyped-decorator] # Faust is not typed for us
async def tell_who_leads() -> None:
    """Write down that this process leads."""
    os.write(_JOURNAL, f"leads {os.getpid()}\n".encode())
