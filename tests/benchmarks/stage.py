"""The stage: a broker in a folder of its own, events that wait there, workers as processes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.contestants import OURS
from benchmarks.load import PARTITIONS, fill, pings
from benchmarks.process import BenchmarkError, Measured
from benchmarks.run import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.contestants import Contestant
    from streamagents.devkit.broker import EmbeddedBroker

CHECKOUT = Path(__file__).parents[2]
_START_S = 120.0
_SLOWEST = 1000.0
"""Events a second below which a run is given up."""


def clean_env(**more: str) -> dict[str, str]:
    """An environment with nothing of the developer's own settings."""
    ours = ("STREAMAGENTS_", "BENCH_", "ANTHROPIC_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return {**kept, "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'tests'}", **more}


class Stage:
    """Runs contestants against one broker, in a folder that is thrown away.

    A dataset is a topic: `<dataset>.ping`, since ours has its topics behind a prefix.

    Args:
        folder: for logs, state and results.
        broker: running.
        peers: the Python of the peers' environment, if there is one.
    """

    def __init__(self, folder: Path, broker: EmbeddedBroker, peers: Path | None) -> None:
        self.folder, self.broker, self.peers = folder, broker, peers
        self.veteran: Run | None = None
        """A run of ours whose worker knows a million ids and may be started again."""
        self._filled: set[str] = set()
        self._number = 0

    def fill(self, dataset: str, *, events: int, keys: int) -> None:
        """Produce a dataset, once."""
        if dataset not in self._filled:
            self.add(dataset, events=events, keys=keys)

    def add(self, dataset: str, *, events: int, keys: int, seed: int = 0) -> None:
        """Produce more of a dataset. The same seed gives the same ids."""
        self.apply_topics(self._env("filler", dataset, "filler"))
        topic = self.topic(dataset)
        asyncio.run(fill(self.broker.address, topic, pings(events, keys, seed=seed)))
        self._filled.add(dataset)

    def topic(self, dataset: str) -> str:
        """The dataset's topic."""
        return f"{dataset}.ping"

    def run(
        self,
        contestant: Contestant,
        dataset: str,
        *,
        events: int,
        marks: Sequence[int] = (),
        name: str = "",
        timeout_s: float = 0.0,
        **env: str,
    ) -> Run:
        """Let one worker handle so many events, and read what it found."""
        name = name or self.name()
        bench = {
            "BENCH_EVENTS": str(events),
            "BENCH_MARKS": ",".join(str(mark) for mark in marks),
        }
        with self.worker(contestant, dataset, name=name, **bench, **env) as process:
            result = self.result(name)
            process.wait_for(result.exists, timeout_s or _START_S + events / _SLOWEST)
        return self.read(name, process)

    def worker(
        self, contestant: Contestant, dataset: str, *, name: str, place: str = "", **env: str
    ) -> Measured:
        """Start a worker of the group `name`; in a place of its own, where there are several."""
        place = place or name
        environment = self._env(name, dataset, place, **env)
        if contestant is OURS:
            self.apply_topics(environment)
        for old in (self.result(place), self.began(place)):
            old.unlink(missing_ok=True)
        return Measured(
            contestant.command(self.peers),
            environment,
            folder=self.folder,
            log=self.folder / f"{place}.log",
        )

    def read(self, name: str, process: Measured) -> Run:
        """What a worker found."""
        return Run.read(
            self.result(name),
            name=name,
            launched=process.launched,
            rss_bytes=process.rss_bytes,
            folder=self.data(name),
        )

    def name(self) -> str:
        """A name that nobody has had: of a group, a data folder, a result."""
        self._number += 1
        return f"run-{self._number}"

    def result(self, place: str) -> Path:
        """Where a worker writes what it found."""
        return self.folder / f"{place}.json"

    def began(self, place: str) -> Path:
        """What a worker writes at its first event."""
        return self.folder / f"{place}.began"

    def data(self, place: str) -> Path:
        """Where a worker keeps its state."""
        return self.folder / f"{place}.data"

    def apply_topics(self, env: dict[str, str]) -> None:
        """Create what our application asks for."""
        command = [sys.executable, "-m", "streamagents", "topics", "apply"]
        done = subprocess.run(
            [*command, "--app", "benchmarks.app"], env=env, check=False, capture_output=True
        )
        if done.returncode:
            raise BenchmarkError(f"no topics: {done.stderr.decode()}")

    def _env(self, name: str, dataset: str, place: str, **more: str) -> dict[str, str]:
        data = str(self.data(place))
        ours = {
            "STREAMAGENTS_BROKER": self.broker.address,
            "STREAMAGENTS_DATA_DIR": data,
            "STREAMAGENTS_WEB_PORT": "0",
            "STREAMAGENTS_TOPIC_PREFIX": f"{dataset}.",
            "STREAMAGENTS_PARTITIONS": str(PARTITIONS),
        }
        bench = {
            "BENCH_BROKER": self.broker.address,
            "BENCH_DATA": data,
            "BENCH_NAME": name,
            "BENCH_TOPIC": self.topic(dataset),
            "BENCH_RESULT": str(self.result(place)),
            "BENCH_IN_FLIGHT": more.get("STREAMAGENTS_IN_FLIGHT", "1000"),
        }
        return clean_env(**{**ours, **bench, **more})
