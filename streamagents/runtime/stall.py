"""Stalls: an agent that holds the event loop holds every other one up; say which, and where."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

HELD_S = 1.0
_LOOK_S = 0.25

log = structlog.stdlib.get_logger("streamagents.runtime")


class StallWatch:
    """Looks from a thread of its own whether the loop turns.

    Args:
        agents: the application's agents, to be recognized on the stack.
    """

    def __init__(self, agents: Iterable[Any]) -> None:
        self._agents = list(agents)
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
        told = 0.0
        while not self._stopped.wait(_LOOK_S):
            turned_at = self._turned_at
            held_s = time.monotonic() - turned_at
            frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 - its documented use
            if held_s > HELD_S and turned_at != told and frame is not None:
                told = turned_at  # once a stall
                self._tell(frame, held_s)

    def _tell(self, frame: FrameType, held_s: float) -> None:
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
