"""The boring way: broker, worker and gateway of a small server together, at their most."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.figures import MIB, Figure
from benchmarks.process import LOOK_S, BenchmarkError
from support.small_server import NAMES, SmallServer

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator

    from benchmarks.plan import Plan
    from benchmarks.stage import Stage

IDLE_S = 30.0
DAY = 1_000
"""Events."""
DAY_S = 50.0
"""In which a day's events come here."""
BURST = 10_000
_TAKES_S = 900.0
_ASK_S = 0.5
TARGET = "<= 700"


def measure(stage: Stage, plan: Plan) -> Iterator[Figure]:
    """One server, from its first start through all that may come."""
    folder = stage.folder / "boring"
    folder.mkdir()
    server = SmallServer(folder)
    try:
        code, said = server.minute()
        if code:
            raise BenchmarkError(f"it could not be started: {said}")
        for name, load in _loads(server):
            most, share = _watch(server, load)
            figure = _figure(name, most, share)
            plan.say(f"boring, {name}: {figure.text}, {figure.detail}")
            yield figure
    finally:
        server.stop()


def _loads(server: SmallServer) -> Iterator[tuple[str, Callable[[], bool]]]:
    """What comes, one after the other, each until it says that it is over."""
    yield "at rest", _for(IDLE_S)
    yield f"{DAY:,} events in {DAY_S:.0f} s", _steadily(server, 0)
    yield f"{DAY:,} events at once", _at_once(server, DAY, DAY)
    yield f"{BURST:,} events at once", _at_once(server, 2 * DAY, BURST)
    yield f"{BURST:,} more", _at_once(server, 2 * DAY + BURST, BURST)
    yield "at rest again", _for(IDLE_S)


def _for(seconds: float) -> Callable[[], bool]:
    until = time.monotonic() + seconds
    return lambda: time.monotonic() > until


def _steadily(server: SmallServer, first: int) -> Callable[[], bool]:
    began, sent = time.monotonic(), first

    def done() -> bool:
        nonlocal sent
        due = first + min(DAY, int(DAY * (time.monotonic() - began) / DAY_S))
        if due > sent:
            server.send(range(sent, due))
            sent = due
        return sent == first + DAY and server.is_done(sent)

    return done


def _at_once(server: SmallServer, before: int, count: int) -> Callable[[], bool]:
    server.send(range(before, before + count))
    return lambda: server.is_done(before + count)


def _watch(server: SmallServer, done: Callable[[], bool]) -> tuple[Counter[str], Counter[str]]:
    """The processes' memory where their sum was largest, resident and shared out."""
    most, share = server.memory(), server.shares()
    deadline, ask_at = time.monotonic() + _TAKES_S, 0.0
    while True:
        if time.monotonic() > ask_at:
            if done():
                return most, share
            ask_at = time.monotonic() + _ASK_S
        if time.monotonic() > deadline:
            raise BenchmarkError(f"not done within {_TAKES_S:.0f} s: {server.folder}")
        now = server.memory()
        if now.total() > most.total():
            most, share = now, server.shares()
        time.sleep(LOOK_S)


def _sum(parts: Counter[str]) -> float:
    return parts.total() / MIB


def _figure(name: str, most: Counter[str], share: Counter[str]) -> Figure:
    parts = ", ".join(f"{each} {most[each] / MIB:.0f}" for each in NAMES)
    return Figure(
        scenario="boring",
        name=f"memory of broker, worker and gateway, {name}",
        value=_sum(most),
        unit="MiB",
        target=TARGET,
        detail=f"RSS: {parts}; PSS {_sum(share):.0f} together",
    )
