"""The stall watch: it names who holds the loop, and holds nothing itself."""

from __future__ import annotations

import sys
import threading
import weakref
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from streamagents.runtime import stall
from streamagents.runtime.stall import StallWatch
from support import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator


class Thing:
    """Something that must be gone as soon as nobody has it in hand."""


class Loop(threading.Thread):
    """A thread that holds a thing while it is held up."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.go, self.returned, self.end = (threading.Event() for _ in range(3))
        self.thing: weakref.ref[Thing] | None = None

    def run(self) -> None:
        self._hold()
        self.returned.set()
        self.end.wait(10)

    def _hold(self) -> None:
        thing = Thing()
        self.thing = weakref.ref(thing)
        self.go.wait(10)


@pytest.fixture
def loop() -> Iterator[Loop]:
    thread = Loop()
    thread.start()
    wait_until(lambda: thread.thing is not None)
    yield thread
    thread.end.set()
    thread.join(10)


def test_a_dead_loop_ends_the_process_also_where_its_stacks_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Faust puts something without a file descriptor in the place of sys.stderr."""
    ended: list[int] = []
    monkeypatch.setattr(sys, "stderr", StringIO())
    StallWatch([], stuck_after_s=60, end=ended.append)._give_up(61.0)
    assert ended == [stall.STUCK]


class Watching:
    """A watch that has looked once at a thread, and does not look again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, thread: threading.Thread) -> None:
        self._looks, self._looked, self._over = 0, threading.Event(), threading.Event()
        watch = StallWatch([], stuck_after_s=60)
        watch._loop_thread = thread.ident or 0
        monkeypatch.setattr(watch._stopped, "wait", self._wait)
        self._thread = threading.Thread(target=watch._watch, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()
        assert self._looked.wait(10)

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)

    def _wait(self, _: float) -> bool:
        self._looks += 1
        if self._looks == 1:
            return False
        self._looked.set()
        return self._over.wait(10)


@pytest.mark.parametrize("held_s", [60.0, 0.0], ids=["nothing is told", "every look is told"])
def test_between_two_looks_it_keeps_nothing_alive_that_the_loop_had_in_hand(
    monkeypatch: pytest.MonkeyPatch, loop: Loop, held_s: float
) -> None:
    monkeypatch.setattr(stall, "HELD_S", held_s)
    with capture_logs() as logs, Watching(monkeypatch, loop):
        loop.go.set()
        wait_until(loop.returned.is_set)

        assert loop.thing is not None
        assert loop.thing() is None
    assert [line["event"] for line in logs] == ([] if held_s else ["loop_held"])


def test_a_frame_that_somebody_keeps_keeps_what_its_function_had(loop: Loop) -> None:
    """Why the watch may keep none."""
    frame: Any = sys._current_frames()[loop.ident or 0]
    loop.go.set()
    wait_until(loop.returned.is_set)

    assert loop.thing is not None
    assert loop.thing() is not None
    del frame
    assert loop.thing() is None
