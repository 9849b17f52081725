"""The worker and its companions as child processes, each in a process group of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WORKER = ("-l", "info")
_KILLED_S = 10.0
CHECK_S = 60.0


class ChildProcess:
    """Runs a module of Python; what it prints goes where our own output goes.

    Args:
        arguments: the module, and what follows it on a command line.
    """

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", *self._arguments),
            stdin=asyncio.subprocess.DEVNULL,
            # Ctrl-C in a terminal goes to its whole group: a child is told by us, once.
            process_group=0,
        )

    async def ended(self) -> int:
        """Wait for its end; its exit code, negative for a signal."""
        assert self._process is not None  # noqa: S101 - start() came first
        return await self._process.wait()

    async def stop(self, timeout_s: float) -> None:
        """Ask it to end, and end it by force after so long."""
        if self._process is None or self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), timeout_s)
        except TimeoutError:
            self.kill()
            await asyncio.wait_for(self._process.wait(), _KILLED_S)

    def kill(self) -> None:
        """End it and its children by force."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


def worker(module: str) -> ChildProcess:
    """The worker of an application, found as `faust -A` finds it: from the current folder."""
    return ChildProcess("faust", "-A", module, "worker", *WORKER)


def companion(command: str, module: str) -> ChildProcess:
    """A command that serves beside the worker, as `streamagents gateway --app MODULE`."""
    return ChildProcess("streamagents", command, "--app", module)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check-up found."""

    fault: str | None = None
    """What is wrong with the application; None is nothing."""
    companions: Sequence[str] = ()
    """The commands that it needs beside its worker."""


async def check_up(module: str) -> Checked:
    """Let a fresh process import the application and apply its topics."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "streamagents.devkit.checkup", module),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        process_group=0,
    )
    try:
        async with asyncio.timeout(CHECK_S):
            said, _ = await process.communicate()
    except TimeoutError:
        return Checked(fault=f"{module} was not imported within {CHECK_S:g} s.")
    finally:
        if process.returncode is None:
            process.kill()
            await asyncio.wait_for(process.wait(), _KILLED_S)
    answer = said.decode(errors="replace").strip()
    if process.returncode == 0:
        return Checked(companions=answer.split())
    return Checked(fault=answer or f"{module} ended Python while it was imported.")
