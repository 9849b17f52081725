"""Workers for tests: real processes on a real broker, with a prefix of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any, Self

from aiokafka import AIOKafkaProducer

from streamagents.bus import KafkaAdmin, read_all
from streamagents.topics import Layout, plan
from support import wait_until, wait_until_async
from support.commands import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from streamagents.ports import Record
    from streamagents.topics import TopicSpec

SESSION_S = 6.0
"""The shortest session that Kafka allows: a killed worker's partitions are free after it."""
MODULE = "support.jobs_app"


class Fleet:
    """The jobs application on a broker: its topics, its workers, what they did.

    Args:
        bootstrap: the broker.
        folder: for data, logs and the journal.
        environment: further settings of the workers.
    """

    def __init__(self, bootstrap: str, folder: Path, **environment: str) -> None:
        self.bootstrap, self.folder = bootstrap, folder
        self.prefix = f"t{uuid.uuid4().hex[:8]}."
        self.journal = folder / "journal"
        self.journal.touch()
        self.log = folder / "workers.log"
        self.data = folder / "data"
        self.workers: list[subprocess.Popen[bytes]] = []
        kept = {k: v for k, v in os.environ.items() if not k.startswith("STREAMAGENTS_")}
        self.environment = {
            **kept,
            "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'tests'}",
            "JOBS_JOURNAL": str(self.journal),
            "STREAMAGENTS_BROKER": bootstrap,
            "STREAMAGENTS_DATA_DIR": str(self.data),
            "STREAMAGENTS_TOPIC_PREFIX": self.prefix,
            "STREAMAGENTS_SESSION_TIMEOUT_S": str(SESSION_S),
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
        from support.jobs_app import Job, JobDone, Order

        layout = Layout(prefix=self.prefix)
        sources = [layout.typed(model.event_type) for model in (Job, Order)] + [layout.inbox()]
        return [
            *sources,
            layout.typed(JobDone.event_type),
            *(layout.letters(spec) for spec in sources),
            layout.changelog(self.group, 4),
        ]

    @property
    def group(self) -> str:
        """The consumer group."""
        return f"{self.prefix}jobs"

    def topic(self, name: str) -> str:
        """A topic's name on the broker."""
        return self.prefix + name

    # -- workers ---------------------------------------------------------------------------------

    def start(self, *, ready: bool = True, **environment: str) -> subprocess.Popen[bytes]:
        """Start a worker, and wait until it takes in events."""
        before = self.log.read_text().count("intake_begins") if self.log.exists() else 0
        with self.log.open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "faust", "-A", MODULE, "worker", "-l", "info"],
                env={**self.environment, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
            )
        self.workers.append(worker)
        if ready:
            wait_until(lambda: self.log.read_text().count("intake_begins") > before, 40)
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

    # -- what became of them ---------------------------------------------------------------------

    def lines(self, word: str) -> list[list[str]]:
        """The journal's lines of one kind, without the word."""
        lines = (line.split() for line in self.journal.read_text().splitlines())
        return [line[1:] for line in lines if line[0] == word]

    async def read(self, topic: str) -> list[Record]:
        """A topic's committed records."""
        return await read_all(self.bootstrap, self.topic(topic))

    async def done(self) -> Counter[int]:
        """How often each job's event was emitted, for a reader of what is committed."""
        return Counter(json.loads(r.value or b"")["n"] for r in await self.read("job_done"))

    async def letters(self, topic: str = "job") -> list[Record]:
        """The dead letters of a topic."""
        return await self.read(f"{topic}.dlq")

    async def settled(self, timeout_s: float = 60) -> None:
        """Wait until everything that was produced is finished, durably, and committed."""
        sources = [self.topic(name) for name in ("job", "order", "streamagents.inbox")]

        async def committed() -> bool:
            async with KafkaAdmin(self.bootstrap) as admin:
                ends = await admin.end_offsets(sources)
                commits = await admin.committed(self.group)
            return all(commits.get(at, 0) >= end for at, end in ends.items())

        await wait_until_async(committed, timeout_s)


def job(n: int, who: str = "k", **fields: Any) -> tuple[bytes, bytes]:
    """A job's record: key and value."""
    return who.encode(), json.dumps({"n": n, "who": who, **fields}).encode()


def header(record: Record, name: str) -> str:
    """A header of a record, as text."""
    return dict(record.headers)[name].decode()
