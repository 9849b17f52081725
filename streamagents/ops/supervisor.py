"""The supervisor: who started this process and wants to hear how it does, systemd for one.

It is told as sd_notify(3) has it: a datagram a message, to the socket that it named. Who named none
hears nothing, and nothing here can harm the work: what cannot be told now is told at the next beat.
"""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streamagents.ops.view import Phase

log = structlog.stdlib.get_logger("streamagents.ops")

BEAT_S = 5.0
"""Between two signs of life, unless the watchdog is to be fed more often."""
MARGIN_S = 60.0
"""What a start is to be waited for from each sign of life on, and an end beyond its grace."""
_SHARE = 4
"""Signs of life within the watchdog's time: some of them may be late."""
_LONGEST = 512
"""Characters of the words that `systemctl status` shows."""


class Supervisor:
    """Tells how this process does. Not for several threads at once.

    Args:
        address: of its socket: a path, `@name` for an abstract one, empty for nobody.
        watchdog_s: it ends a process that was silent for so long; None if it does not.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        address: str = "",
        *,
        watchdog_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.listens = address.startswith(("/", "@"))
        self.beat_s = BEAT_S if watchdog_s is None else min(BEAT_S, watchdog_s / _SHARE)
        """Seconds from one sign of life to the next."""
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._clock, self._due = clock, clock()
        self._told: Phase | None = None
        self._deaf = False

    def tell(
        self, phase: Phase, words: str = "", *, alive: bool = True, within_s: float = 0.0
    ) -> None:
        """Give a sign of life; may be called as often as is convenient, and never waits.

        Args:
            phase: of the process.
            words: how it does, for a person.
            alive: whether the watchdog is to be fed.
            within_s: what an end may take, beyond a margin.
        """
        now = self._clock()
        if not self.listens or (phase == self._told and now < self._due):
            return
        lines = _lines(phase, self._told, words, alive=alive, within_s=within_s)
        if self._send("\n".join(lines)):
            self._told, self._due = phase, now + self.beat_s

    def _send(self, message: str) -> bool:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
                ours.settimeout(0)
                ours.sendto(message.encode(), self._address)
        except OSError as exc:  # it restarts, is busy, or is gone: the work goes on
            if not self._deaf:
                log.warning("supervisor_deaf", error=exc.strerror or str(exc))
            self._deaf = True
            return False
        self._deaf = False
        return True


def _lines(
    phase: Phase, told: Phase | None, words: str, *, alive: bool, within_s: float
) -> Iterator[str]:
    """What is to be said of a phase, where another one was told before."""
    if phase == "running" and told != phase:
        yield "READY=1"
    if phase == "stopping" and told != phase:
        yield "STOPPING=1"
    # A start goes on for as long as it gives signs of life; an end has its grace, told once, or one
    # that hangs would never be cut off.
    if phase == "starting":
        yield _extended(MARGIN_S)
    if phase == "stopping" and told != phase:
        yield _extended(MARGIN_S + within_s)
    if alive:
        yield "WATCHDOG=1"
    shown = " ".join(words.split()) or phase
    yield f"STATUS={shown[:_LONGEST]}"


def _extended(seconds: float) -> str:
    return f"EXTEND_TIMEOUT_USEC={int(seconds * 1_000_000)}"


def watchdog_s(usec: str, pid: str, *, ours: int | None = None) -> float | None:
    """The watchdog's time, from its two variables; None if it is not meant for this process."""
    if not usec.isdecimal() or not int(usec):
        return None
    if pid and pid != str(os.getpid() if ours is None else ours):
        return None
    return int(usec) / 1_000_000
