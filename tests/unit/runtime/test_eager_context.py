"""Eager tasks and context variables: what one sets is its own."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import TYPE_CHECKING

import pytest
import structlog

from support.eager import Eager

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NAME: ContextVar[str] = ContextVar("name", default="nobody")


@pytest.fixture(params=["a new spare", "a spare that waits"])
async def eager(request: pytest.FixtureRequest) -> AsyncIterator[Eager]:
    """Both states that the spare task may be in when work comes."""
    made = Eager()
    if request.param == "a spare that waits":
        await made.warm_up()
    yield made
    await made.end()


async def test_what_it_puts_into_context_variables_is_there_later_and_nowhere_else(
    eager: Eager,
) -> None:
    seen: dict[str, list[str]] = {}

    async def work(name: str) -> None:
        seen[name] = [NAME.get()]
        NAME.set(name)
        await asyncio.sleep(0)
        seen[name].append(NAME.get())
        await asyncio.create_task(child(name))

    async def child(name: str) -> None:
        seen[name].append(NAME.get())

    tasks = [eager.start(work(name)) for name in ("ada", "bob")]
    await asyncio.gather(*tasks)

    assert seen == {name: ["nobody", name, name] for name in ("ada", "bob")}
    assert NAME.get() == "nobody"


async def test_what_ended_at_once_leaves_no_context_variables_behind(eager: Eager) -> None:
    seen: list[str] = []

    async def work() -> None:
        seen.append(NAME.get())
        NAME.set("somebody")

    for _ in range(2):
        eager.run(work())

    assert seen == ["nobody", "nobody"]
    assert NAME.get() == "nobody"


async def test_what_one_binds_to_its_log_is_in_no_log_of_the_next(eager: Eager) -> None:
    seen: list[dict[str, object]] = []

    async def work(name: str, *, waits: bool) -> None:
        seen.append(structlog.contextvars.get_contextvars())
        structlog.contextvars.bind_contextvars(name=name)
        if waits:
            await asyncio.sleep(0)
            seen.append(structlog.contextvars.get_contextvars())

    for number in range(3):
        eager.run(work(f"quick-{number}", waits=False))
        await eager.start(work(f"slow-{number}", waits=True))

    assert [one for one in seen if one] == [{"name": f"slow-{number}"} for number in range(3)]


async def test_what_whoever_begins_has_set_is_not_seen(eager: Eager) -> None:
    """The writer begins with what it admits, in the context of whoever wrote last."""
    seen: list[str] = []

    async def work(*, waits: bool) -> None:
        seen.append(NAME.get())
        if waits:
            await asyncio.sleep(0)
            seen.append(NAME.get())

    NAME.set("a writer")
    eager.run(work(waits=False))
    await eager.start(work(waits=True))

    assert seen == ["nobody"] * 3
