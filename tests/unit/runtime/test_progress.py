"""Progress: a commit position that stands still is told once, and again when it stands anew."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from streamagents.runtime.grace import cancel, ended
from streamagents.runtime.progress import Progress
from support.desks import IntakeDesk
from support.records import orders, turns

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT_S = 3 * 120.0 + 2 * 30.0 + 30.0
"""By default: three attempts, the longest waits between them, and what comes on top."""


class Desk:
    def __init__(self) -> None:
        self.desk = IntakeDesk()
        self.clock = self.desk.bench.clock
        self.progress = Progress(3, self.clock, 30)
        self.held = False

    def look(self, after_s: float = 0) -> None:
        self.clock.advance(after_s)
        self.progress.look([self.desk.intake], running=2, takes=lambda _: not self.held)


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs() as found:
        yield found


def stalls(logs: list[Any]) -> list[Any]:
    return [line for line in logs if line["event"] == "commit_stalled"]


async def test_what_stands_still_too_long_is_told_once_with_its_place(logs: list[Any]) -> None:
    desk = Desk()
    desk.desk.poll(*orders(0, 1, 2))
    desk.look()
    desk.look(LIMIT_S)
    assert stalls(logs) == []
    for _ in range(5):
        desk.look(1)
    (line,) = stalls(logs)

    assert (line["topic"], line["partition"], line["offset"]) == ("order", 3, 0)
    assert (line["seconds"], line["unfinished"], line["running"]) == (451, 3, 2)
    assert line["log_level"] == "warning"


async def test_what_is_held_back_on_purpose_is_not_told(logs: list[Any]) -> None:
    desk = Desk()
    desk.desk.poll(*orders(0))
    desk.held = True
    desk.look()
    desk.look(10**6)
    assert stalls(logs) == []
    desk.held = False
    desk.look(1)

    assert len(stalls(logs)) == 1


async def test_what_moves_is_not_told_however_slow_it_is(logs: list[Any]) -> None:
    desk = Desk()
    desk.desk.poll(*orders(*range(10)))
    for offset in range(10):
        desk.look(LIMIT_S)
        desk.desk.intake.finish(orders(offset)[0])

    assert stalls(logs) == []


async def test_what_finishes_behind_the_first_moves_nothing(logs: list[Any]) -> None:
    desk = Desk()
    desk.desk.poll(*orders(*range(10)))
    desk.look()
    for offset in range(1, 10):
        desk.look(LIMIT_S / 5)
        desk.desk.intake.finish(orders(offset)[0])

    assert len(stalls(logs)) == 1


async def test_where_nothing_is_unfinished_nothing_stands_still(logs: list[Any]) -> None:
    desk = Desk()
    desk.look(10**6)
    desk.desk.poll(*orders(0))
    desk.desk.intake.finish(orders(0)[0])
    desk.look(10**6)
    desk.look(10**6)

    assert stalls(logs) == []


async def test_a_second_stall_is_told_again(logs: list[Any]) -> None:
    desk = Desk()
    desk.desk.poll(*orders(0, 1))
    desk.look()
    desk.look(LIMIT_S + 1)
    desk.desk.intake.finish(orders(0)[0])
    desk.look(1)
    desk.look(LIMIT_S + 1)

    assert [line["offset"] for line in stalls(logs)] == [0, 1]


# -- the grace ---------------------------------------------------------------------------------


async def test_without_tasks_no_grace_is_needed() -> None:
    await asyncio.wait_for(ended(frozenset(), 60, asyncio.Event()), 1)
    await asyncio.wait_for(cancel(frozenset()), 1)


@pytest.mark.parametrize("how", ["they end", "it is over", "somebody is in a hurry"])
async def test_the_grace_ends_with_the_tasks_its_time_or_a_hurry(how: str) -> None:
    hurry, go = asyncio.Event(), asyncio.Event()
    task: asyncio.Task[Any] = asyncio.get_running_loop().create_task(go.wait())
    waiting = asyncio.ensure_future(
        ended(frozenset({task}), 0.01 if how == "it is over" else 60, hurry)
    )
    await turns()
    if how == "they end":
        go.set()
    elif how == "somebody is in a hurry":
        hurry.set()
    await asyncio.wait_for(waiting, 5)

    assert task.done() is (how == "they end")
    go.set()
    await task


async def test_cancelled_tasks_may_clean_up() -> None:
    cleaned: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            cleaned.append("cleaned")

    tasks = frozenset(asyncio.get_running_loop().create_task(work()) for _ in range(2))
    await turns()
    await cancel(tasks)

    assert cleaned == ["cleaned"] * 2
    assert all(task.cancelled() for task in tasks)
