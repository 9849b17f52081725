"""Stalls: an agent that holds the event loop holds every other one up; say which, and where."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType

HELD_S = 1.0
STUCK = 70
"""Exit code: EX_SOFTWARE of sysexits.h."""
_LOOK_S = 0.25

log = structlog.stdlib.get_logger("streamagents.runtime")


class StallWatch:
    """Looks from a thread of its own whether the loop turns.

    A loop that stands still for too long is dead: nothing else in the process can say so, or end
    it. Its events are taken up by others, and one that held it counts as having killed it.

    Args:
        agents: the application's agents, to be recognized on the stack.
        stuck_after_s: the loop may be held so long; then the process ends.
        end: ends the process; a test puts something else in its place.
    """

    def __init__(
        self,
        agents: Iterable[Any],
        *,
        stuck_after_s: float,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._agents, self._stuck_after_s, self._end = list(agents), stuck_after_s, end
        self._turned_at = time.monotonic()
        self._stopped = threading.Event()
        self._beat: asyncio.TimerHandle | None = None
        self._loop_thread = 0

    def start(self) -> None:
        """Watch the running loop."""
        self._loop_thread = threading.get_ident()
        self._turn(asyncio.get_running_loop())
        threading.Thread(target=self._watch, name="streamagents-stall", daemon=True).start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        if self._beat is not None:
            self._beat.cancel()

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._turned_at = time.monotonic()
        self._beat = loop.call_later(_LOOK_S, self._turn, loop)

    def _watch(self) -> None:
        told, asleep_s, looked_at = 0.0, 0.0, time.monotonic()
        while not self._stopped.wait(_LOOK_S):
            turned_at, now = self._turned_at, time.monotonic()
            if turned_at > looked_at:
                asleep_s = 0.0
            # We did not run either: the whole process was frozen, which is not the loop's fault.
            asleep_s += max(0.0, now - looked_at - 2 * _LOOK_S)
            looked_at = now
            held_s = now - turned_at - asleep_s
            if held_s > HELD_S and turned_at != told:
                told = turned_at  # once a stall
                self._tell(held_s)
            if held_s > self._stuck_after_s:
                self._give_up(held_s)

    def _give_up(self, held_s: float) -> None:
        log.critical(
            "loop_dead",
            seconds=round(held_s, 1),
            help="the stacks of all threads follow; the worker ends, and others take over",
        )
        try:
            # Faust puts something without a file descriptor in the place of sys.stderr.
            faulthandler.dump_traceback(sys.__stderr__ or 2, all_threads=True)
        finally:
            self._end(STUCK)

    def _tell(self, held_s: float) -> None:
        # Not held for longer than this takes: a frame keeps alive what its function had in hand,
        # also when that has ended, and a RocksDB among it could not be opened anew.
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 - its documented use
        log.warning(
            "loop_held",
            agent=self._agent_on(frame),
            seconds=round(held_s, 1),
            stack="".join(traceback.format_stack(frame)),
        )

    def _agent_on(self, frame: FrameType | None) -> str:
        """The agent whose code is on the stack; nobody's, where it is ours or a library's."""
        while frame is not None:
            owner = frame.f_locals.get("self")
            if any(owner is agent for agent in self._agents):
                return type(owner).__name__
            frame = frame.f_back
        return ""
