"""Workers for tests: real processes on a real broker, with a prefix of their own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import uuid
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

from aiokafka import AIOKafkaProducer

from streamagents.bus import KafkaAdmin, read_all
from streamagents.topics import Layout, plan
from support import wait_until, wait_until_async
from support.commands import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

    from streamagents.ports import Record
    from streamagents.runtime.app import StreamApp
    from streamagents.topics import TopicSpec

SESSION_S = 6.0
"""The shortest session that Kafka allows: a killed worker's partitions are free after it."""
START_S = 80.0
"""A worker's start takes two seconds, and waits for the session of one that was killed."""
MODULE = "support.jobs_app"
WORKS = "support.works_app"
"""Applications; the module `x_app` holds the application `x`."""


class Fleet:
    """An application on a broker: its topics, its workers, what they did.

    Args:
        bootstrap: the broker.
        folder: for data, logs and the journal.
        module: of the application.
        retention_ms: by topic, where it is not to be the usual one.
        environment: further settings of the workers.
    """

    def __init__(
        self,
        bootstrap: str,
        folder: Path,
        *,
        module: str = MODULE,
        retention_ms: Mapping[str, int] | None = None,
        **environment: str,
    ) -> None:
        self.bootstrap, self.folder = bootstrap, folder
        self.module, self.name = module, module.rpartition(".")[2].removesuffix("_app")
        self._retention_ms = retention_ms or {}
        self.prefix = f"t{uuid.uuid4().hex[:8]}."
        self.journal = folder / "journal"
        self.journal.touch()
        self.gates = folder / "gates"
        self.gates.mkdir()
        self.log = folder / "workers.log"
        self.data = folder / "data"
        self.workers: list[subprocess.Popen[bytes]] = []
        ours = ("STREAMAGENTS_", "ANTHROPIC_")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        self.environment = {
            **kept,
            "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'tests'}",
            "JOBS_JOURNAL": str(self.journal),
            "JOBS_GATES": str(self.gates),
            "STREAMAGENTS_BROKER": bootstrap,
            "STREAMAGENTS_DATA_DIR": str(self.data),
            "STREAMAGENTS_TOPIC_PREFIX": self.prefix,
            "STREAMAGENTS_SESSION_TIMEOUT_S": str(SESSION_S),
            "STREAMAGENTS_WEB_PORT": "0",
            **environment,
        }

    async def __aenter__(self) -> Self:
        specs = self.specs()
        async with KafkaAdmin(self.bootstrap) as admin:
            await admin.apply(plan(specs, {}))
            await admin.wait_for([spec.name for spec in specs])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait(10)
        if kind is not None:
            sys.stderr.write(self.log.read_text()[-6000:])  # pytest shows it with the failure

    def specs(self) -> list[TopicSpec]:
        """The application's topics, under this fleet's prefix."""
        sources, layout = self._sources(), self._layout
        known = {spec.name for spec in sources}
        emitted = [layout.typed(m.event_type) for m in self._app.registry.events.values()]
        specs = [
            *sources,
            *(spec for spec in emitted if spec.name not in known),
            *(layout.letters(spec) for spec in sources),
        ]
        ours = [layout.letter_states(), layout.audit(), layout.changelog(self.group, 4)]
        return [*map(self._with_retention, specs), *ours]

    def _with_retention(self, spec: TopicSpec) -> TopicSpec:
        retention_ms = self._retention_ms.get(spec.name.removeprefix(self.prefix))
        if retention_ms is None:
            return spec
        return replace(spec, config={**spec.config, "retention.ms": str(retention_ms)})

    def _sources(self) -> list[TopicSpec]:
        agents = self._app.registry.agents.values()
        typed = [self._layout.typed(registration.event) for registration in agents]
        ticking = self._app.ticking or "STREAMAGENTS_SCHEDULES" in self.environment
        ticks = [self._layout.ticks()] if ticking else []
        return [*typed, self._layout.inbox(), self._layout.actions(), *ticks]

    @property
    def _app(self) -> StreamApp:
        app: StreamApp = import_module(self.module).app
        return app

    @property
    def _layout(self) -> Layout:
        return Layout(prefix=self.prefix)

    @property
    def group(self) -> str:
        """The consumer group."""
        return f"{self.prefix}{self.name}"

    def topic(self, name: str) -> str:
        """A topic's name on the broker."""
        return self.prefix + name

    # -- workers ---------------------------------------------------------------------------------

    def start(self, *, ready: bool = True, **environment: str) -> subprocess.Popen[bytes]:
        """Start a worker, and wait until it takes in events."""
        before = self.log.read_text().count("intake_begins") if self.log.exists() else 0
        with self.log.open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "faust", "-A", self.module, "worker", "-l", "info"],
                env={**self.environment, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
            )
        self.workers.append(worker)
        if ready:

            def begun() -> bool:
                if worker.poll() is not None:
                    raise AssertionError(f"the worker ended: {self.log.read_text()[-2000:]}")
                return self.log.read_text().count("intake_begins") > before

            wait_until(begun, START_S)
        return worker

    @staticmethod
    def kill(worker: subprocess.Popen[bytes]) -> None:
        """SIGKILL."""
        worker.kill()
        worker.wait(10)

    @staticmethod
    def stop(worker: subprocess.Popen[bytes], timeout_s: float = 40) -> int:
        """SIGTERM; the exit code."""
        worker.send_signal(signal.SIGTERM)
        return worker.wait(timeout_s)

    # -- events ----------------------------------------------------------------------------------

    async def send(
        self, topic: str, records: Iterable[tuple[bytes | None, bytes | None]], **options: Any
    ) -> None:
        """Produce records with a Kafka client that knows nothing of us."""
        headers, partition = options.pop("headers", None), options.pop("partition", None)
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, linger_ms=5, max_request_size=8 << 20, **options
        )
        await producer.start()
        try:
            for key, value in records:
                await producer.send(
                    self.topic(topic), value, key=key, headers=headers, partition=partition
                )
            await producer.flush()
        finally:
            await producer.stop()

    async def jobs(self, numbers: Iterable[int], *, keys: int = 50, **fields: Any) -> None:
        """Produce jobs, keyed as any client would."""
        await self.send("job", (job(n, f"k{n % keys}", **fields) for n in numbers))

    async def replay(self, letter: Record, count: int = 1) -> None:
        """Produce a dead letter to its topic again, as a person would."""
        name = "streamagents-replay-count"
        kept = [(n, v) for n, v in letter.headers if n != name]
        topic = header(letter, "kafka_dlt-original-topic").removeprefix(self.prefix)
        headers = [*kept, (name, str(count).encode())]
        await self.send(topic, [(letter.key, letter.value)], headers=headers)

    def open(self, gate: str) -> None:
        """Let go on who waits for this gate, now and in every later process."""
        (self.gates / gate).touch()

    # -- what became of them ---------------------------------------------------------------------

    def lines(self, word: str) -> list[list[str]]:
        """The journal's lines of one kind, without the word."""
        lines = (line.split() for line in self.journal.read_text().splitlines())
        return [line[1:] for line in lines if line[0] == word]

    async def read(self, topic: str) -> list[Record]:
        """A topic's committed records."""
        return await read_all(self.bootstrap, self.topic(topic))

    async def state(self) -> dict[bytes, bytes | None]:
        """The state, as whoever recovers it will read it; None is what was deleted."""
        changelog = await self.read(f"{self.name}-state-p4-changelog")
        return {record.key or b"": record.value for record in changelog}

    async def done(self) -> Counter[int]:
        """How often each job's event was emitted, for a reader of what is committed."""
        return Counter(json.loads(r.value or b"")["n"] for r in await self.read("job_done"))

    async def letters(self, topic: str = "job") -> list[Record]:
        """The dead letters of a topic."""
        return await self.read(f"{topic}.dlq")

    async def settled(self, timeout_s: float = 90) -> None:
        """Wait until everything that was produced, also by agents, is finished and committed.

        What waits in the state (parked, delayed) is not waited for.
        """
        sources = [spec.name for spec in self._sources()]

        async def committed() -> bool:
            async with KafkaAdmin(self.bootstrap) as admin:
                # In this order: what the agents of committed events left is there by now.
                commits = await admin.committed(self.group)
                ends = await admin.end_offsets(sources)
            return all(commits.get(at, 0) >= end for at, end in ends.items())

        await wait_until_async(committed, timeout_s)


@contextmanager
def running(fleet: Fleet) -> Iterator[Fleet]:
    """A fleet with one worker, for the tests of a module that harm nobody."""

    async def enter() -> None:
        await fleet.__aenter__()

    asyncio.run(enter())
    try:
        fleet.start()
        yield fleet
    finally:
        asyncio.run(fleet.__aexit__(None, None, None))


def job(n: int, who: str = "k", **fields: Any) -> tuple[bytes, bytes]:
    """A job's record: key and value."""
    return who.encode(), json.dumps({"n": n, "who": who, **fields}).encode()


def header(record: Record, name: str) -> str:
    """A header of a record, as text."""
    return dict(record.headers)[name].decode()
