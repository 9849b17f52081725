"""Dead letters for tests: the command line on a fleet's topics, in processes of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from support.commands import CHECKOUT, streamagents

if TYPE_CHECKING:
    from support.workers import Fleet

_SCRIPT = "from streamagents.cli import main; main()"


class Operator:
    """A person at the command line of a fleet's cluster."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._environment = {
            **fleet.environment,
            "STREAMAGENTS_APP": fleet.module,
            "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'tests'}",
        }

    def __call__(self, *arguments: str, code: int | None = 0) -> str:
        """Run `streamagents dlq ...`; its output."""
        done = streamagents("dlq", *arguments, env=self._environment, cwd=self._fleet.folder)
        assert code is None or done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout + done.stderr

    def json(self, *arguments: str, code: int | None = 0) -> Any:
        """What it prints as JSON."""
        return json.loads(self(*arguments, "--json", code=code).splitlines()[0])

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin with a command."""
        return subprocess.Popen(
            [sys.executable, "-c", _SCRIPT, "dlq", *arguments],
            env=self._environment,
            cwd=self._fleet.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def waiting(self, *arguments: str) -> int:
        """How many letters `list` counts."""
        return sum(row["letters"] for row in self.json("list", *arguments))
