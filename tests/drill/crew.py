"""The crew: two workers as real processes, deployed one after the other, and killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from drill.journal import JOURNAL
from streamagents.devkit.sockets import free_port

CHECKOUT = Path(__file__).parents[2]
GRACE_S = 10.0
SESSION_S = 6.0
_READY_S = 180.0
_LOOK_S = 0.05


class Worker:
    """One place: its folder, its port, its log, and the process that is in it now."""

    def __init__(self, number: int, folder: Path, app: str, env: dict[str, str]) -> None:
        self.port, self._app = free_port(), app
        self._log = folder / f"worker-{number}.log"
        self._env = {
            **env,
            "STREAMAGENTS_DATA_DIR": str(folder / f"worker-{number}"),
            "STREAMAGENTS_WEB_PORT": str(self.port),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, version: str) -> None:
        """Start a process of some version."""
        command = [sys.executable, "-m", "faust", "-A", self._app, "worker", "-l", "info"]
        env = {**self._env, "DRILL_VERSION": version}
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=CHECKOUT)

    async def ready(self) -> None:
        """Wait until it says that it is."""
        deadline = time.monotonic() + _READY_S
        while not await asyncio.to_thread(_answers, f"http://127.0.0.1:{self.port}/ready"):
            if self.process is None or self.process.poll() is not None:
                raise RuntimeError(f"a worker ended: {self._log.read_text()[-2000:]}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"not ready in {_READY_S} s: {self._log.read_text()[-2000:]}")
            await asyncio.sleep(_LOOK_S)

    async def end(self, how: signal.Signals) -> int:
        """Send a signal and wait for the end; the exit code."""
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.send_signal(how)
        return await asyncio.to_thread(self.process.wait, GRACE_S + 15)


class Crew:
    """The two of them."""

    def __init__(self, folder: Path, bootstrap: str, prefix: str, app: str) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("STREAMAGENTS_")}
        self.env = {
            **kept,
            "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'tests'}",
            JOURNAL: str(folder / "journal.jsonl"),
            "STREAMAGENTS_APP": app,
            "STREAMAGENTS_BROKER": bootstrap,
            "STREAMAGENTS_TOPIC_PREFIX": prefix,
            "STREAMAGENTS_DATA_DIR": str(folder / "operator"),
            "STREAMAGENTS_WEB_PORT": "0",
            "STREAMAGENTS_SESSION_TIMEOUT_S": f"{SESSION_S}",
            "STREAMAGENTS_SHUTDOWN_GRACE_S": f"{GRACE_S}",
        }
        self.workers = [Worker(number, folder, app, self.env) for number in (1, 2)]
        self.killed: dict[int, float] = {}
        """When processes were killed, in the clock of the journal."""

    async def start(self) -> None:
        """Start all, and wait until they are ready."""
        for worker in self.workers:
            worker.start("1")
        await asyncio.gather(*(worker.ready() for worker in self.workers))

    async def deploy(self, version: str) -> None:
        """Another version, by SIGTERM, one worker after the other."""
        for worker in self.workers:
            code = await worker.end(signal.SIGTERM)
            if code:
                raise RuntimeError(f"a worker did not stop cleanly: exit code {code}")
            worker.start(version)
            await worker.ready()

    async def kill(self, number: int) -> None:
        """Kill one without warning."""
        worker = self.workers[number]
        assert worker.process is not None
        self.killed[worker.process.pid] = time.monotonic()
        await worker.end(signal.SIGKILL)

    async def stop(self) -> None:
        """End all, by force what does not end."""
        for worker in self.workers:
            try:
                await worker.end(signal.SIGTERM)
            except subprocess.TimeoutExpired:
                await worker.end(signal.SIGKILL)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
