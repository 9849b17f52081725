"""Dead letters for tests: the command line on a fleet's topics, in processes of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from support.commands import CHECKOUT, SCRIPT, streamagents
from support.post import ours
from support.terminal import Terminal

if TYPE_CHECKING:
    from support.workers import Fleet


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
            [sys.executable, "-c", SCRIPT, "dlq", *arguments],
            env=self._environment,
            cwd=self._fleet.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def shell(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a line of the shell, in which `$DLQ` is the command."""
        dlq = f"{sys.executable} -c '{SCRIPT}' dlq"
        return subprocess.run(
            ["/bin/sh", "-c", line.replace("$DLQ", dlq)],
            env=self._environment,
            cwd=self._fleet.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=90,
            check=False,
        )

    def sit(self, *arguments: str, **environment: str) -> Terminal:
        """Sit before a command."""
        env = {**self._environment, **environment}
        return Terminal("dlq", *arguments, env=env, cwd=self._fleet.folder)

    def waiting(self, *arguments: str) -> int:
        """How many letters `list` counts."""
        return sum(row["letters"] for row in self.json("list", *arguments))


async def lay(fleet: Fleet, *values: bytes | None, topic: str = "task", **facts: Any) -> None:
    """Lay letters of the fleet's group, as its workers write them; of one partition."""
    name = fleet.topic(topic)
    for offset, value in enumerate(values):
        known = {"key": b"ann", "headers": (), "group": fleet.group, "agent": "TaskAgent", **facts}
        letter = ours(value, topic=name, partition=0, offset=offset, **known)
        record = [(letter.key, letter.value)]
        await fleet.send(f"{topic}.dlq", record, headers=list(letter.headers), partition=0)
