"""The end of a worker's process: nobody waits for an agent's thread, everybody else may end."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from streamagents.runtime.internals import process

if TYPE_CHECKING:
    from collections.abc import Iterator


class LeftError(Exception):
    """Instead of the end of the process."""


@pytest.fixture
def hanging() -> Iterator[threading.Event]:
    """Ends a thread that hangs."""
    ended = threading.Event()
    yield ended
    ended.set()


@pytest.fixture(autouse=True)
def _stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(why: str, _code: int = 0) -> None:
        raise LeftError(why)

    monkeypatch.setattr(process, "_leave", leave)
    monkeypatch.setattr(process, "_LAST_THREADS_S", 5.0)


def test_threads_of_a_loop_that_was_closed_a_moment_ago_are_waited_for() -> None:
    for _ in range(20):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(loop.run_in_executor(None, int))
        loop.close()
        process._leave_hanging_threads(0)

    assert not [one for one in threading.enumerate() if one.name.startswith("asyncio_")]


def test_a_thread_that_hangs_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, hanging: threading.Event
) -> None:
    monkeypatch.setattr(process, "_LAST_THREADS_S", 0.01)
    threading.Thread(target=hanging.wait, name="hangs").start()

    with pytest.raises(LeftError, match="hangs"):
        process._leave_hanging_threads(0)
