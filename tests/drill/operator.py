"""The operator: a person with the command line and nothing else, and a watch in the hand."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_SCRIPT = "from streamagents.cli import main; main()"
_PATIENCE_S = 240.0
_SAID = 160


class Timeline:
    """What happened when, in seconds since the drill began."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.lines: list[str] = []

    def tell(self, what: str) -> float:
        """Add a line; when it was."""
        now = time.monotonic() - self._began
        self.lines.append(f"{now:6.1f} s  {what}")
        sys.stdout.write(self.lines[-1] + "\n")  # pytest shows it with a failure
        sys.stdout.flush()
        return now


class Operator:
    """Runs `streamagents ...` in processes, as a person would, and writes down what came of it."""

    def __init__(self, env: dict[str, str], folder: Path, timeline: Timeline) -> None:
        self._env, self._folder, self._timeline = env, folder, timeline

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        """Begin with a command."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _SCRIPT, *arguments),
            env=self._env,
            cwd=self._folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def said(self, process: asyncio.subprocess.Process, *arguments: str) -> tuple[int, str]:
        """Wait for its end; exit code and output."""
        began = time.monotonic()
        async with asyncio.timeout(_PATIENCE_S):
            output = (await process.communicate())[0].decode()
        code = process.returncode or 0
        assert "\nTraceback" not in f"\n{output}", output  # a letter's own is not at the margin
        took_s = time.monotonic() - began
        last = (output.strip().splitlines() or [""])[-1].strip()[:_SAID]
        command = " ".join(arguments)
        self._timeline.tell(f"$ streamagents {command}  -> {code} in {took_s:.1f} s: {last}")
        return code, output

    async def __call__(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run a command to its end; its output.

        Raises:
            RuntimeError: it ended with another code.
        """
        code, output = await self.said(await self.start(*arguments), *arguments)
        if code not in codes:
            raise RuntimeError(f"streamagents {' '.join(arguments)}: exit code {code}\n{output}")
        return output

    async def waiting(self) -> int:
        """How many letters `dlq list` counts."""
        rows: list[dict[str, Any]] = json.loads(await self("dlq", "list", "--json"))
        return sum(row["letters"] for row in rows)
