"""Terminals for tests: a command that a person sits before, Ctrl-C included."""

from __future__ import annotations

import os
import pty
import select
import sys
import time
from typing import TYPE_CHECKING, Self

from support.commands import SCRIPT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CTRL_C = "\x03"
_DEADLINE_S = 90.0


class Terminal:
    """`streamagents ...` on a terminal of its own. A context manager: nothing is left behind.

    Args:
        arguments: of the command.
        env: its environment.
        cwd: its folder.
    """

    def __init__(self, *arguments: str, env: Mapping[str, str], cwd: Path) -> None:
        self.said = ""
        self._code: int | None = None
        command = [sys.executable, "-c", SCRIPT, *arguments]
        self._pid, self._fd = pty.fork()
        if not self._pid:  # the child: nothing of ours runs here any more
            try:
                os.chdir(cwd)
                os.execve(sys.executable, command, {**env, "TERM": "dumb", "COLUMNS": "200"})
            finally:
                os._exit(127)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._code is None:
            os.kill(self._pid, 9)
            os.waitpid(self._pid, 0)
        os.close(self._fd)

    def until(self, words: str) -> None:
        """Read until these words appear.

        Raises:
            AssertionError: they did not in time, or the command has ended without them.
        """
        over_at = time.monotonic() + _DEADLINE_S
        while words not in self.said:
            assert time.monotonic() < over_at, self.said
            assert self._read(1.0), self.said

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._fd, keys.encode())

    def ended(self) -> int:
        """Read to the end; the exit code, or the signal's number below zero."""
        over_at = time.monotonic() + _DEADLINE_S
        while self._read(1.0):
            assert time.monotonic() < over_at, self.said
        _, status = os.waitpid(self._pid, 0)
        self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def _read(self, timeout_s: float) -> bool:
        """Whether more may come."""
        if not select.select([self._fd], [], [], timeout_s)[0]:
            return True
        try:
            chunk = os.read(self._fd, 65_536)
        except OSError:  # Linux says so when the other side is closed
            return False
        self.said += chunk.decode(errors="replace").replace("\r\n", "\n")
        return bool(chunk)
