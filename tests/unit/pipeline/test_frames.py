"""Where an agent failed: its own lines are told, and nothing of a library's."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from streamagents.errors import Reject, RetryLater
from streamagents.pipeline.frames import place
from support.bench import Bench
from support.records import Scripted, record

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamagents.agents import Context
    from support.records import Order

SOURCE = record(b'{"customer":"ada"}', headers=(("ce_id", b"c-1"),), key=b"ada")


def run(source: str, file: str) -> None:
    exec(compile(source, file, "exec"), {"json": json})


def raised(call: Callable[[], Any]) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any
        call()
    return caught.value


def test_it_is_the_last_lines_of_the_users_own_code() -> None:
    error = raised(lambda: run("def deep():\n  json.loads('{')\ndeep()", "/home/ann/crm.py"))

    assert place(error).endswith("crm.py:3 <module> > crm.py:2 deep")


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("/venv/lib/python3.11/site-packages/lib/core.py", "test_frames.py"),
        ("/home/ann/crm.py", "crm.py"),
    ],
)
def test_a_librarys_lines_are_left_out(file: str, told: str) -> None:
    words = place(raised(lambda: run("1 / 0", file)))

    assert words.rpartition(" > ")[2].startswith(told)


def test_an_application_that_is_installed_is_told_of_too() -> None:
    error = raised(lambda: run("1 / 0", "/venv/lib/python3.11/site-packages/crm/agents.py"))
    ours = error.__traceback__
    while ours is not None and not ours.tb_frame.f_code.co_filename.endswith("agents.py"):
        ours = ours.tb_next

    assert place(error.with_traceback(ours)) == "agents.py:1 <module>"


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert place(ValueError("no")) == ""


class Broken:
    async def run(self, order: Order, ctx: Context) -> None:
        await ctx.step("price", self.price, order.customer)

    def price(self, name: str) -> int:
        return int(name)


async def test_every_failed_attempt_is_logged_with_its_place() -> None:
    with capture_logs() as logs:
        await Bench(Scripted(lambda *given: Broken().run(*given)), attempts=2).handle(SOURCE)
    first, last = logs
    line = Broken.price.__code__.co_firstlineno + 1

    assert (first["event"], last["event"]) == ("retried", "dead_lettered")
    assert (first["log_level"], first["attempts"]) == ("warning", 1)
    assert first["reason"] == "ValueError: invalid literal for int() with base 10: 'ada'"
    assert first["at"] == last["at"]
    assert first["at"].endswith(f" > test_frames.py:{line} price")


async def test_who_puts_an_event_off_is_no_warning() -> None:
    with capture_logs() as logs:
        await Bench(Scripted(RetryLater(90))).handle(SOURCE)

    assert [(log["event"], log["log_level"], log["after_s"]) for log in logs] == [
        ("parked", "info", 90.0)
    ]


async def test_an_attempt_that_took_too_long_tells_where_it_stood() -> None:
    async def waits(_order: Order, _ctx: Context) -> None:
        await asyncio.Event().wait()

    with capture_logs() as logs:
        await Bench(Scripted(waits), attempts=1, timeout_s=0.01).handle(SOURCE)

    line = waits.__code__.co_firstlineno + 1
    assert logs[0]["at"].endswith(f"test_frames.py:{line} waits")


async def test_what_was_refused_is_logged_once() -> None:
    with capture_logs() as logs:
        await Bench(Scripted(Reject("no such customer"))).handle(SOURCE)

    assert [log["event"] for log in logs] == ["dead_lettered"]
