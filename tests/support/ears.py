"""The processes beside a worker, for tests: `streamagents watch` and `streamagents bridge`."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from support import wait_until
from support.commands import ANY_PORT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MODULE = "support.ears_app"
_LISTENS = re.compile(r"event='web_listens' host='127.0.0.1' port=(\d+)")


class Ear:
    """One command in its own process, with a log."""

    def __init__(self, log: Path, environment: Mapping[str, str], *arguments: str) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamagents", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**ANY_PORT, **environment},
                cwd=log.parent,
            )

    def said(self) -> str:
        return self.log.read_text()

    def wait_for(self, *words: str, timeout_s: float = 40) -> None:
        wait_until(
            lambda: all(word in self.said() for word in words) or self.process.poll() is not None,
            timeout_s,
        )
        assert all(word in self.said() for word in words), self.said()

    @property
    def port(self) -> int:
        """Where its pages are."""
        self.wait_for("web_listens")
        return int(_LISTENS.findall(self.said())[-1])

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(10)

    def stop(self, timeout_s: float = 40) -> int:
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)
