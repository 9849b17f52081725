"""Eager tasks against plain ones: the same programs, cancelled at the same places, end alike."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from support.eager import Eager
from support.records import turns

if TYPE_CHECKING:
    from collections.abc import Coroutine

Op = tuple[Any, ...]


def program(dice: random.Random, depth: int = 0) -> list[Op]:
    """A few things to do, one after the other."""
    return [op(dice, depth) for _ in range(dice.randrange(1, 5))]


def op(dice: random.Random, depth: int) -> Op:
    kinds = ["sleep", "sleep", "note", "raise", "forever", "task", "gather", "wait_for", "own"]
    if depth < 2:
        kinds += ["limit", "limit_0", "group", "failing_group", "catch", "finally", "shield"]
    kind = dice.choice(kinds)
    if kind in {"limit", "limit_0", "group", "failing_group", "catch", "finally", "shield"}:
        return (kind, program(dice, depth + 1))
    return (kind,)


class Runner:
    """Runs a program and takes down what happens."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.children: list[asyncio.Task[Any]] = []

    def child(self, seconds: float | None = None) -> asyncio.Task[None]:
        async def wait() -> None:
            await (asyncio.Event().wait() if seconds is None else asyncio.sleep(seconds))

        task = asyncio.get_running_loop().create_task(wait())
        self.children.append(task)
        return task

    async def run(self, todo: list[Op]) -> None:
        for number, (kind, *inner) in enumerate(todo):
            self.log.append(f"{kind} {number}")
            try:
                await getattr(self, "do_" + kind)(*inner)
            except BaseException as exc:
                self.log.append(f"{kind} {number} {type(exc).__name__}")
                raise

    async def do_sleep(self) -> None:
        await asyncio.sleep(0)

    async def do_note(self) -> None:
        assert asyncio.current_task() is not None

    async def do_raise(self) -> None:
        raise ValueError("told to")

    async def do_forever(self) -> None:
        await asyncio.Event().wait()

    async def do_task(self) -> None:
        await self.child()

    async def do_gather(self) -> None:
        await asyncio.gather(self.child(), self.child())

    async def do_wait_for(self) -> None:
        await asyncio.wait_for(self.child(), 60)

    async def do_own(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    async def do_limit(self, todo: list[Op]) -> None:
        async with asyncio.timeout(60):
            await self.run(todo)

    async def do_limit_0(self, todo: list[Op]) -> None:
        async with asyncio.timeout(0):
            await self.run(todo)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    async def do_group(self, todo: list[Op]) -> None:
        async with asyncio.TaskGroup() as group:
            self.children.append(group.create_task(asyncio.Event().wait()))
            await self.run(todo)
            self.children[-1].cancel()

    async def do_failing_group(self, todo: list[Op]) -> None:
        async def fail() -> None:
            raise LookupError("a part")

        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            await asyncio.Event().wait()

    async def do_catch(self, todo: list[Op]) -> None:
        try:
            await self.run(todo)
        except (asyncio.CancelledError, Exception) as exc:  # noqa: BLE001 - whatever it is
            self.log.append(f"caught {type(exc).__name__}")

    async def do_finally(self, todo: list[Op]) -> None:
        try:
            await self.run(todo)
        finally:
            await asyncio.sleep(0)
            self.log.append("cleaned")

    async def do_shield(self, todo: list[Op]) -> None:
        await asyncio.shield(self.child())


async def played(
    start: Any, todo: list[Op], cancels: list[int]
) -> tuple[list[str], str, list[bool], int]:
    """Run a program; cancel its task whenever its log has come to one of these lengths."""
    runner = Runner()
    task: asyncio.Task[Any] | None = None
    ended = ""
    try:
        task = start(runner.run(todo))
    except (Exception, asyncio.CancelledError) as exc:  # noqa: BLE001 - to be compared
        ended = type(exc).__name__
    left, idle, seen = list(cancels), 0, -1
    while task is not None and not task.done() and idle < 20:
        if left and len(runner.log) >= left[0]:
            left.pop(0)
            task.cancel()
            await turns(10)  # two that arrive at once are one, and "at once" differs by a turn
        await asyncio.sleep(0)
        idle = idle + 1 if len(runner.log) == seen else 0
        seen = len(runner.log)
    if task is not None:
        if not task.done():
            ended = "waits"
        elif task.cancelled():
            ended = "CancelledError"
        else:
            ended = type(task.exception()).__name__ if task.exception() else "done"
    found = (
        list(runner.log),
        ended or "done",
        [child.cancelled() for child in runner.children],
        task.cancelling() if task is not None and not task.done() else 0,
    )
    for one in (*runner.children, *([task] if task is not None else [])):
        while not one.done():
            one.cancel()
            await turns(3)
    return found


def plain(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(work)


@pytest.mark.parametrize("warm", [True, False], ids=["a spare that waits", "a new spare"])
@pytest.mark.parametrize("seed", range(60))
async def test_an_eager_task_behaves_as_a_plain_one(seed: int, warm: bool) -> None:  # noqa: FBT001 - a case
    dice, eager = random.Random(seed), Eager()
    for _ in range(20):
        todo = program(dice)
        cancels = sorted(dice.sample(range(1, 12), dice.randrange(0, 4)))
        if warm:
            await eager.warm_up()
        expected = await played(plain, todo, cancels)
        assert await played(eager.run, todo, cancels) == expected, (todo, cancels)
    await eager.end()


@pytest.mark.parametrize("seed", range(20))
async def test_very_many_at_once_end_as_plain_ones_do(seed: int) -> None:
    dice, eager = random.Random(seed), Eager()
    todo = [program(dice) for _ in range(50)]
    cancels = [sorted(dice.sample(range(1, 12), dice.randrange(0, 3))) for _ in todo]
    plays = [
        [played(start, *one) for one in zip(todo, cancels, strict=True)]
        for start in (plain, eager.run)
    ]
    expected = await asyncio.gather(*plays[0])

    assert await asyncio.gather(*plays[1]) == expected
    await eager.end()
