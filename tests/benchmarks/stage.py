"""The stage: a broker in a folder of its own, events that wait there, workers as processes."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaProducer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamagents.devkit.broker import EmbeddedBroker

CHECKOUT = Path(__file__).parents[2]
_LOOK_S = 0.05


def clean_env(**more: str) -> dict[str, str]:
    """An environment with nothing of the developer's own settings."""
    ours = ("STREAMAGENTS_", "BENCH_", "ANTHROPIC_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return {**kept, "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'tests'}", **more}


class Stage:
    """Runs workers against one broker, in a folder that is thrown away."""

    def __init__(self, folder: Path, broker: EmbeddedBroker) -> None:
        self.folder, self.broker = folder, broker
        self._number = 0

    def env(self, **more: str) -> dict[str, str]:
        """What a worker's process gets to know."""
        ours = {
            "STREAMAGENTS_BROKER": self.broker.address,
            "STREAMAGENTS_DATA_DIR": str(self.folder / "data"),
        }
        return clean_env(**{**ours, **more})

    def measure(self, module: str, *, events: int, sleep_s: float = 0.0) -> dict[str, Any]:
        """Let one worker handle everything under a name of its own, and read what it found."""
        self._number += 1
        name = f"run-{self._number}"
        result = self.folder / f"{name}.json"
        env = self.env(
            BENCH_NAME=name,
            BENCH_EVENTS=str(events),
            BENCH_SLEEP_S=str(sleep_s),
            BENCH_RESULT=str(result),
            STREAMAGENTS_DATA_DIR=str(self.folder / name),
        )
        self.apply_topics("benchmarks.app", env)
        with self.worker([module], env, log=self.folder / f"{name}.log") as process:
            deadline = time.monotonic() + 180
            while not result.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{module} found nothing, see {self.folder / name}.log")
                time.sleep(_LOOK_S)
        found: dict[str, Any] = json.loads(result.read_text())
        return found

    def apply_topics(self, module: str, env: dict[str, str]) -> None:
        """Create what the application asks for."""
        command = [sys.executable, "-m", "streamagents", "topics", "apply", "--app", module]
        subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)

    @contextmanager
    def worker(
        self, module: list[str], env: dict[str, str], *, log: Path
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A worker, stopped in the end."""
        command = [sys.executable, "-m", "faust", "-A", *module, "worker", "-l", "warn"]
        with log.open("wb") as out:
            process = subprocess.Popen(command, env=env, cwd=self.folder, stdout=out, stderr=out)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def fill(self, *, events: int, keys: int) -> None:
        """Produce everything beforehand: only consuming is measured."""
        self.apply_topics("benchmarks.app", self.env())
        asyncio.run(self._fill(events, keys))

    async def _fill(self, events: int, keys: int) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.broker.address, linger_ms=20)
        await producer.start()
        try:
            sent = []
            for n in range(events):
                who = f"k{n % keys}"
                value = json.dumps({"id": f"ping-{n}", "n": n, "who": who}).encode()
                sent.append(await producer.send("ping", value, key=who.encode()))
            await asyncio.gather(*sent)
        finally:
            await producer.stop()
