"""The fleet: workers as real processes, a supervisor that starts them again, and the faults."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos.busy import Busy
from chaos.journal import JOURNAL
from chaos.shapes import POISONED
from chaos.size import SESSION_S

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from chaos.brokers import Brokers
    from chaos.mishaps import Fault
    from chaos.plan import Plan

CHECKOUT = Path(__file__).parents[2]
GRACE_S = 10.0
_LOOK_S = 0.02
_MOST = 4
_BUSY = 3
"""Agents at work that make a worker worth hitting."""
_BUSY_WITHIN_S = 15.0


class Worker:
    """One place in the fleet: its folder, its log, and the process that is in it now."""

    def __init__(self, number: int, folder: Path, app: str, env: dict[str, str]) -> None:
        self.number, self._app, self.data = number, app, folder / f"worker-{number}"
        self._log = folder / f"worker-{number}.log"
        self._env = {**env, "STREAMAGENTS_DATA_DIR": str(self.data)}
        self.gone = False
        """Scaled down: not started again."""
        self.asked = ""
        """Why its process is about to end, if we have made it."""
        self.frozen = False
        self.process = self._spawn()

    def start(self) -> None:
        """Start a process in this place."""
        self.asked, self.frozen = "", False
        self.process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "faust", "-A", self._app, "worker", "-l", "info"]
        with self._log.open("ab") as log:
            return subprocess.Popen(command, env=self._env, stdout=log, stderr=log, cwd=CHECKOUT)


class Fleet:
    """All workers of a round. `faults` is what really happened, in the clock of the journal."""

    def __init__(self, folder: Path, brokers: Brokers, plan: Plan, app: str) -> None:
        self._folder, self._brokers, self._app = folder, brokers, app
        self.workers: list[Worker] = []
        self.faults: list[dict[str, Any]] = []
        self.ends: Counter[str] = Counter()
        """How processes ended: `<why>:<exit code>`."""
        self._began = time.monotonic()
        self._busy = Busy(folder / "journal.jsonl")
        self._healing: set[asyncio.Task[None]] = set()
        self._one_broker = plan.size.brokers == 1
        self._brokers_lock = asyncio.Lock()
        self.env = worker_env(
            folder, brokers.address, in_flight=plan.in_flight, of=plan.size.brokers
        )
        for _ in range(plan.workers):
            self._add()

    def _add(self) -> None:
        self._note("start")  # no fault, but the group is restless until it has joined
        self.workers.append(Worker(len(self.workers), self._folder, self._app, self.env))

    def _alive(self) -> list[Worker]:
        return [w for w in self.workers if not w.gone and not w.frozen and not w.asked]

    def _note(self, kind: str, pid: int = 0, until: float | None = None) -> dict[str, Any]:
        now = time.monotonic()
        fault = {"kind": kind, "pid": pid, "at": now, "until": until, "s": now - self._began}
        self.faults.append(fault)
        return fault

    async def supervise(self) -> None:
        """Start again whatever ends, until cancelled."""
        while True:
            for worker in self.workers:
                if not worker.gone and worker.process.poll() is not None:
                    self._ended(worker)
                    worker.start()
            await asyncio.sleep(_LOOK_S)

    def _ended(self, worker: Worker) -> None:
        code = worker.process.returncode
        why = worker.asked or ("poison" if code == POISONED else "died")
        self.ends[f"{why}:{code}"] += 1
        if why in {"poison", "died"}:
            self._note(why, worker.process.pid)
        if why == "wipe":
            shutil.rmtree(worker.data, ignore_errors=True)

    async def strike(self, fault: Fault) -> None:
        """Let one planned fault happen. Returns at once, save for the broker's faults."""
        if fault.kind.startswith("broker"):
            healing = self._later(self._hurt_broker(fault))
            if self._one_broker:
                await healing
        elif fault.kind == "add" and sum(not w.gone for w in self.workers) < _MOST:
            self._note("add")
            self._add()
        elif fault.busiest:
            await self._hit_busiest(fault)
        elif alive := self._alive():
            self._hit(fault, alive[fault.target % len(alive)], spare=len(alive) == 1)

    async def _hit_busiest(self, fault: Fault) -> None:
        """Hit who has most at work, as soon as somebody has enough of it."""
        deadline = time.monotonic() + _BUSY_WITHIN_S
        while alive := self._alive():
            worker = max(alive, key=lambda w: self._busy.runs_of(w.process.pid))
            enough = self._busy.runs_of(worker.process.pid) >= _BUSY
            if enough or time.monotonic() > deadline:
                self._hit(fault, worker, spare=len(alive) == 1)
                return
            await asyncio.sleep(_LOOK_S)

    def _hit(self, fault: Fault, worker: Worker, *, spare: bool) -> None:
        pid, kind = worker.process.pid, fault.kind
        if kind == "remove" and spare:
            return
        if kind == "add":  # there are enough
            kind = "term"
        noted = self._note(kind, pid)
        if kind in {"kill", "wipe"}:
            worker.asked = kind
            worker.process.kill()
        elif kind in {"term", "remove"}:
            worker.asked = "term"
            worker.gone = kind == "remove"
            worker.process.terminate()
        elif kind == "stop":
            worker.process.send_signal(signal.SIGSTOP)
            worker.frozen = True
            self._later(self._thaw(worker, noted, fault.seconds))

    async def _thaw(self, worker: Worker, noted: dict[str, Any], seconds: float) -> None:
        await asyncio.sleep(seconds)
        worker.process.send_signal(signal.SIGCONT)
        noted["until"] = time.monotonic()
        worker.frozen = False

    async def _hurt_broker(self, fault: Fault) -> None:
        async with self._brokers_lock:  # of three brokers two have to serve
            noted = self._note(fault.kind)
            await asyncio.to_thread(self._brokers.hurt, fault)
            await asyncio.sleep(fault.seconds)
            await asyncio.to_thread(self._brokers.heal, fault)
            noted["until"] = time.monotonic()

    def _later(self, healing: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(healing)
        self._healing.add(task)
        return task

    async def settled(self) -> None:
        """Wait until nobody is frozen or away any more."""
        await asyncio.gather(*self._healing)

    async def stop(self) -> None:
        """End every worker as a deploy does, and by force what does not end."""
        left = [w for w in self.workers if w.process.poll() is None]
        for worker in left:
            worker.process.send_signal(signal.SIGCONT)  # a frozen one would never hear of it
            worker.process.terminate()
        deadline = time.monotonic() + GRACE_S + 15
        for worker in left:
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(worker.process.wait, max(0, deadline - time.monotonic()))
        for worker in left:
            if worker.process.poll() is None:
                self.ends["did not stop"] += 1
                worker.process.kill()
                worker.process.wait()
            else:
                self.ends[f"stop:{worker.process.returncode}"] += 1
        for worker in self.workers:
            worker.process.poll()


def worker_env(folder: Path, bootstrap: str, *, in_flight: int, of: int) -> dict[str, str]:
    """What a worker's process gets to know; nothing of the developer's own settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("STREAMAGENTS_")}
    return {
        **kept,
        "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'tests'}",
        "PYTHONFAULTHANDLER": "1",
        JOURNAL: str(folder / "journal.jsonl"),
        "STREAMAGENTS_BROKER": bootstrap,
        "STREAMAGENTS_REPLICATION": str(of),
        "STREAMAGENTS_DATA_DIR": str(folder / "data"),
        "STREAMAGENTS_WEB_PORT": "0",
        "STREAMAGENTS_SESSION_TIMEOUT_S": str(SESSION_S),
        "STREAMAGENTS_SHUTDOWN_GRACE_S": str(GRACE_S),
        "STREAMAGENTS_IN_FLIGHT": str(in_flight),
    }
