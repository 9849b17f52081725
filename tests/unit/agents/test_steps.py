"""Durable steps: what runs, what does not run again, and what a step may not do."""

from __future__ import annotations

import asyncio
import functools
import threading
from typing import Any, cast

import pytest

from streamagents.agents.steps import StepResult, Steps, in_step
from streamagents.errors import ConfigurationError
from streamagents.testing.run import MemorySteps


class Counted:
    """Functions that count their calls."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    async def double(self, number: int) -> int:
        self.calls.append(number)
        return number * 2

    def plain(self, number: int) -> int:
        self.calls.append(threading.current_thread() is threading.main_thread())
        return number * 2

    async def broken(self) -> int:
        self.calls.append("broken")
        raise ConnectionError("away")


def attempt(
    kept: MemorySteps, *, version: str = "1", keep: bool = True, threads: bool = False
) -> Steps:
    return Steps(kept, version=version, keep=keep, in_thread=asyncio.to_thread if threads else None)


async def test_a_step_is_run_once_whatever_the_number_of_attempts() -> None:
    kept, agent = MemorySteps({}), Counted()

    results = [await attempt(kept).run("double", agent.double, (4,)) for _ in range(3)]

    assert (results, agent.calls) == ([8, 8, 8], [4])
    assert kept.rerun_for == {}


async def test_a_step_that_failed_is_run_again() -> None:
    kept, agent = MemorySteps({}), Counted()

    for _ in range(2):
        with pytest.raises(ConnectionError, match="away"):
            await attempt(kept).run("ask", agent.broken, ())

    assert (agent.calls, kept.results()) == (["broken", "broken"], {})


async def test_other_arguments_run_it_again() -> None:
    kept, agent = MemorySteps({}), Counted()
    await attempt(kept).run("double", agent.double, (4,))

    assert await attempt(kept).run("double", agent.double, (5,)) == 10

    assert (agent.calls, kept.rerun_for) == ([4, 5], {"double": "arguments"})
    assert await attempt(kept).run("double", agent.double, (5,)) == 10
    assert agent.calls == [4, 5]


@pytest.mark.parametrize(("keep", "calls", "why"), [(True, 1, {}), (False, 2, {"d": "version"})])
async def test_another_version_of_the_agent_counts_unless_it_says_otherwise(
    keep: bool,  # noqa: FBT001 - a table's column
    calls: int,
    why: dict[str, str],
) -> None:
    kept, agent = MemorySteps({}), Counted()
    await attempt(kept, version="1").run("d", agent.double, (4,))

    await attempt(kept, version="2", keep=keep).run("d", agent.double, (4,))

    assert (len(agent.calls), kept.rerun_for) == (calls, why)


async def test_a_stored_result_that_is_no_longer_valid_runs_it_again() -> None:
    kept, agent = MemorySteps({"double": "eight"}), Counted()

    assert await attempt(kept).run("double", agent.double, (4,)) == 8

    assert (agent.calls, kept.rerun_for) == ([4], {"double": "invalid"})


async def test_a_result_without_a_digest_counts_for_any_arguments() -> None:
    kept, agent = MemorySteps({"double": 80}), Counted()

    assert await attempt(kept).run("double", agent.double, (4,)) == 80
    assert agent.calls == []


async def test_a_plain_function_runs_in_a_thread() -> None:
    agent = Counted()

    assert await attempt(MemorySteps({}), threads=True).run("plain", agent.plain, (4,)) == 8

    assert agent.calls == [False]


class Callable_:  # noqa: N801 - the name is the word
    """An object that is called, async."""

    async def __call__(self, number: int) -> int:
        return number + int(threading.current_thread() is threading.main_thread())


class Plain:
    def __call__(self, number: int) -> int:
        return number + int(threading.current_thread() is threading.main_thread())


def test_async_functions_are_known_in_every_shape() -> None:
    async def four(function: Any) -> Any:
        return await attempt(MemorySteps({}), threads=True).run("s", function, (4,))

    async def coroutine(number: int) -> int:
        return number + int(threading.current_thread() is threading.main_thread())

    async def all_of_them() -> list[Any]:
        return [
            await four(coroutine),
            await four(functools.partial(coroutine)),
            await four(Callable_()),
            await four(functools.partial(Callable_())),
            await four(lambda number: coroutine(number)),  # noqa: PLW0108 - it is about the lambda
            await four(Plain()),
            await four(functools.partial(Plain())),
            await four(abs),
        ]

    assert asyncio.run(all_of_them()) == [5, 5, 5, 5, 5, 4, 4, 4]


async def test_a_name_is_used_once_in_a_run() -> None:
    steps, agent = attempt(MemorySteps({})), Counted()
    await steps.run("double", agent.double, (4,))

    with pytest.raises(ConfigurationError, match="'double' was begun twice in one run"):
        await steps.run("double", agent.double, (4,))

    assert agent.calls == [4]


@pytest.mark.parametrize("name", ["", "a/b", "x" * 201, None, 7])
async def test_a_name_that_is_none_is_refused(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="a step's name is a text of 1 to 200 characters"):
        await attempt(MemorySteps({})).run(name, Counted().double, (4,))


async def test_a_function_that_was_already_called_is_refused_in_words() -> None:
    with pytest.raises(ConfigurationError, match=r"ctx.step\('d', self.enrich, lead\), and got co"):
        await attempt(MemorySteps({})).run("d", cast("Any", Counted().double(4)), ())


async def test_steps_in_steps_have_paths() -> None:
    kept, agent = MemorySteps({}), Counted()
    steps = attempt(kept)

    async def outer() -> int:
        assert in_step() == "outer"
        first: int = await steps.run("double", agent.double, (1,))
        assert in_step() == "outer"
        return first + int(await steps.run("inner", inner, ()))

    async def inner() -> int:
        assert in_step() == "outer/inner"
        return int(await steps.run("double", agent.double, (2,)))

    await steps.run("double", agent.double, (3,))
    await steps.run("outer", outer, ())

    assert in_step() == ""
    assert kept.results() == {
        "double": 6,
        "outer/double": 2,
        "outer/inner/double": 4,
        "outer/inner": 4,
        "outer": 6,
    }


async def test_a_step_that_failed_keeps_what_its_steps_returned() -> None:
    kept, agent = MemorySteps({}), Counted()

    async def outer(steps: Steps, *, fail: bool) -> int:
        doubled: int = await steps.run("double", agent.double, (1,))
        if fail:
            raise ConnectionError
        return doubled

    first, second = attempt(kept), attempt(kept)
    with pytest.raises(ConnectionError):
        await first.run("outer", functools.partial(outer, first, fail=True), ())
    assert await second.run("outer", functools.partial(outer, second, fail=False), ()) == 2

    assert agent.calls == [1]


async def test_steps_at_the_same_time_do_not_see_each_other() -> None:
    kept = MemorySteps({})
    steps = attempt(kept)
    both = asyncio.Barrier(2)

    async def child() -> str:
        return in_step()

    async def parent() -> str:
        await both.wait()
        found: str = await steps.run("child", child, ())
        await both.wait()
        return f"{in_step()} {found}"

    results: Any = await asyncio.gather(steps.run("a", parent, ()), steps.run("b", parent, ()))

    assert results == ["a a/child", "b b/child"]
    assert sorted(kept.results()) == ["a", "a/child", "b", "b/child"]
    assert in_step() == ""


async def test_a_thread_knows_its_step() -> None:
    found: str = await attempt(MemorySteps({}), threads=True).run("look", in_step, ())

    assert found == "look"


async def test_a_step_is_over_when_it_fails() -> None:
    with pytest.raises(ConnectionError):
        await attempt(MemorySteps({})).run("ask", Counted().broken, ())

    assert in_step() == ""


async def test_nothing_is_kept_of_a_step_that_is_cancelled() -> None:
    kept = MemorySteps({})
    begun = asyncio.Event()

    async def hang() -> None:
        begun.set()
        await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(attempt(kept).run("hang", hang, ()))
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert kept.results() == {}


async def test_a_result_is_returned_only_once_it_is_durable() -> None:
    class Slow(MemorySteps):
        durable = False

        async def save(self, path: str, result: StepResult) -> None:
            await asyncio.sleep(0)
            self.durable = True
            await super().save(path, result)

    kept = Slow({})
    await attempt(kept).run("double", Counted().double, (4,))

    assert kept.durable
