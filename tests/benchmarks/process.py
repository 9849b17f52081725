"""A measured process: started, looked at from outside, stopped."""

from __future__ import annotations

import contextlib
import subprocess
import time
from typing import TYPE_CHECKING, Self, TypeVar

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

Found = TypeVar("Found")
LOOK_S = 0.05
_STOP_S = 60.0


class BenchmarkError(Exception):
    """Raised when a measured process found nothing; the message names its log."""


class Measured:
    """A process between its start and its end. A context manager: it is stopped on exit."""

    def __init__(self, command: list[str], env: dict[str, str], *, folder: Path, log: Path) -> None:
        self._log = log
        self.launched = time.monotonic()
        with log.open("wb") as out:
            self._process = psutil.Popen(command, env=env, cwd=folder, stdout=out, stderr=out)
        self.rss_bytes = 0
        """The most that was seen while waiting."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
            self.kill()

    def kill(self) -> None:
        """End it without warning."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self._process.kill()
        self._process.wait()

    def rss_now(self) -> int:
        """Its resident memory."""
        rss = int(self._process.memory_info().rss)
        self.rss_bytes = max(self.rss_bytes, rss)
        return rss

    def wait_for(self, condition: Callable[[], Found], timeout_s: float) -> Found:
        """Look until the condition holds, and return what it found.

        Raises:
            BenchmarkError: the process ended, or the time was up.
        """
        deadline = time.monotonic() + timeout_s
        while not (found := condition()):
            if self._process.poll() is not None and not (found := condition()):
                raise BenchmarkError(
                    f"ended with {self._process.returncode} and found nothing: {self._log}"
                )
            if time.monotonic() > deadline:
                raise BenchmarkError(f"found nothing within {timeout_s:g} s: {self._log}")
            try:
                self.rss_now()
            except psutil.NoSuchProcess:
                continue  # it ended just now
            time.sleep(LOOK_S)
        return found
