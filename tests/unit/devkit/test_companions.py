"""What serves beside the worker, and is started again."""

from __future__ import annotations

import asyncio

from streamagents.devkit.companions import Companions
from streamagents.devkit.stopping import Stopping
from support import wait_until_async


async def test_one_that_ends_is_told_and_none_is_left_behind() -> None:
    said: list[str] = []
    stopping = Stopping()

    async with Companions(
        "nowhere", said.append, stopping, grace_s=5, commands=["no-such-command"]
    ):
        await wait_until_async(lambda: said, 60)

    assert said == [
        "`streamagents no-such-command` ended by itself (exit code 2); the next starts in 1 s."
    ]
    assert stopping.at_once == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_those_that_run_are_stopped_with_the_worker() -> None:
    stopping = Stopping()

    async with Companions("nowhere", lambda _: None, stopping, grace_s=5, commands=["kafka"]):
        await wait_until_async(lambda: stopping.at_once, 60)

    assert stopping.at_once == []
