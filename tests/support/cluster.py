"""A cluster for tests: brokers on loopback, each of which may be killed, frozen and restarted.

Every broker is a controller, too, as in a small installation; with `apart=True` the controller is a
process more that nobody hurts, so that the cluster notices the loss of two brokers of three.
"""

from __future__ import annotations

import asyncio
import random
import socket
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeVar

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import KafkaError

from streamagents.devkit.command import kafka_command
from streamagents.devkit.diagnosis import tail
from streamagents.devkit.process import kill, spawn
from streamagents.devkit.properties import HOST, settings, written
from streamagents.devkit.sockets import ask_cluster
from support import wait_until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    import psutil

Answer = TypeVar("Answer")

START_S = 90.0
_FORMAT_S = 60.0
_ASK_MS = 3000
_AGAIN_S = 0.1
_HEAP = "-Xmx256m"
_PORTS = range(20_000, 32_000)
"""Below those that the system gives to clients: nobody takes a killed broker's port meanwhile."""


@dataclass(kw_only=True)
class Node:
    """One process of the cluster. Its data outlives it."""

    number: int
    folder: Path
    command: Sequence[str]
    ports: tuple[int, int]
    properties: Mapping[str, str]
    process: psutil.Process | None = field(default=None, init=False)
    frozen: bool = field(default=False, init=False)

    @property
    def log(self) -> Path:
        """What it prints, over all of its lives."""
        return self.folder / "node.log"

    @property
    def file(self) -> Path:
        """Its configuration."""
        return self.folder / "server.properties"

    @property
    def serves(self) -> bool:
        """Whether it takes part in the cluster at the moment."""
        return self.process is not None and not self.frozen

    def format(self, cluster_id: str) -> subprocess.Popen[bytes]:
        """Begin to format its storage."""
        self.folder.mkdir(parents=True)
        self.file.write_text(written(self.properties))
        arguments = ["kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self.file)]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*self.command, *arguments], stdout=log, stderr=log, cwd=self.folder
            )

    def start(self) -> None:
        """Start the process; it serves some time later."""
        self.process = spawn([*self.command, "kafka.Kafka", str(self.file)], log=self.log)

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            kill(self.process)
        self.process, self.frozen = None, False

    def freeze(self) -> None:
        """SIGSTOP: connections stay open, nothing is answered."""
        assert self.process is not None
        self.process.suspend()
        self.frozen = True

    def thaw(self) -> None:
        """SIGCONT."""
        assert self.process is not None
        self.process.resume()
        self.frozen = False

    def answers(self, brokers: int) -> bool:
        """Whether it answers, and knows of so many brokers."""
        answer = ask_cluster(self.ports[0])
        return answer is not None and answer.brokers >= brokers


class Cluster:
    """Brokers with every topic on all of them; `min.insync.replicas` is 2 of three.

    Args:
        folder: for data and logs.
        size: how many brokers.
        apart: whether the controller is a process of its own.
        properties: further settings of every broker.
    """

    def __init__(
        self,
        folder: Path,
        *,
        size: int = 3,
        apart: bool = False,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        command = [*kafka_command(lambda _: None), _HEAP]
        ports = _free_ports(2 * (size + apart))
        pairs = list(zip(ports[::2], ports[1::2], strict=True))
        voters = range(size, size + 1) if apart else range(size)
        quorum = ",".join(f"{voter + 1}@{HOST}:{pairs[voter][1]}" for voter in voters)
        common = {**_replicated(size), "controller.quorum.voters": quorum, **(properties or {})}
        made = []
        for index, pair in enumerate(pairs):
            own = folder / f"node-{index + 1}"
            data = settings(
                port=pair[0], controller_port=pair[1], storage=own / "data", fsync=False
            )
            role = _role(pair, controls=index >= size) if apart else {}
            named = {**data, **role, **common, "node.id": str(index + 1)}
            made.append(
                Node(number=index + 1, folder=own, command=command, ports=pair, properties=named)
            )
        self.size = size
        self.nodes, self._controllers = made[:size], made[size:]
        self.bootstrap = ",".join(f"{HOST}:{node.ports[0]}" for node in self.nodes)

    # -- processes -------------------------------------------------------------------------------

    def start(self) -> None:
        """Format where that was never done, start everybody, wait until all brokers serve."""
        everybody = [*self._controllers, *self.nodes]
        cluster_id = f"k{urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip('=')[1:]}"
        new = [node for node in everybody if not node.folder.exists()]
        formats = [node.format(cluster_id) for node in new]
        for node, formatting in zip(new, formats, strict=True):
            assert formatting.wait(_FORMAT_S) == 0, tail(node.log)
        for node in everybody:
            if node.process is None:
                node.start()
        wait_until(lambda: all(node.answers(self.size) for node in self.nodes), START_S)

    def stop(self) -> None:
        """End everybody, at once: nobody needs the data any more."""
        for node in (*self.nodes, *self._controllers):
            node.kill()

    async def heal(self, timeout_s: float = START_S) -> None:
        """Bring back whoever is down or frozen, and wait until all replicas are in sync."""
        for node in self.nodes:
            if node.frozen:
                node.thaw()
            if node.process is None:
                node.start()
        await self.whole(timeout_s)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    # -- who does what ---------------------------------------------------------------------------

    async def transaction_coordinator(self, transactional_id: str) -> Node:
        """Who coordinates the transactions of this id now."""
        return await self._coordinator(CoordinationType.TRANSACTION, transactional_id)

    async def group_coordinator(self, group: str) -> Node:
        """Who coordinates this consumer group now."""
        return await self._coordinator(CoordinationType.GROUP, group)

    async def leader(self, topic: str, partition: int) -> Node:
        """Who leads this partition now."""

        async def ask(client: Any) -> Node:
            found = (await client.fetch_all_metadata()).leader_for_partition(
                TopicPartition(topic, partition)
            )
            return self._serving(found)

        return await self._asked(ask)

    async def whole(self, timeout_s: float = START_S) -> None:
        """Wait until every replica of every partition is in sync."""

        async def ask(client: Any) -> None:
            metadata = await client.fetch_all_metadata()
            partitions = [p for by in metadata._partitions.values() for p in by.values()]
            short = [p for p in partitions if len(p.isr) < self.size or p.leader < 0]
            if len(metadata.brokers()) < self.size or short:
                raise KafkaError(f"{len(metadata.brokers())} brokers, not in sync: {short[:3]}")

        await self._asked(ask, timeout_s)

    async def _coordinator(self, kind: Any, key: str) -> Node:
        async def ask(client: Any) -> Node:
            return self._serving(await client.coordinator_lookup(kind, key))

        return await self._asked(ask)

    def _serving(self, number: int | None) -> Node:
        node = next((node for node in self.nodes if node.number == number), None)
        if node is None or not node.serves:
            raise KafkaError(f"node {number} does not serve")  # the cluster has not noticed yet
        return node

    async def _asked(
        self, ask: Callable[[Any], Awaitable[Answer]], timeout_s: float = START_S
    ) -> Answer:
        """Ask those who serve, as often as it takes."""
        deadline = time.monotonic() + timeout_s
        while True:
            serving = [f"{HOST}:{node.ports[0]}" for node in self.nodes if node.serves]
            client = AIOKafkaClient(bootstrap_servers=serving, request_timeout_ms=_ASK_MS)
            try:
                await client.bootstrap()
                return await ask(client)
            except (KafkaError, AssertionError, TimeoutError) as exc:
                if time.monotonic() >= deadline:
                    raise AssertionError(f"not within {timeout_s:g} s: {exc}") from exc
                await asyncio.sleep(_AGAIN_S)
            finally:
                await client.close()


def _replicated(size: int) -> dict[str, str]:
    copies, in_sync = str(size), str(min(2, size))
    return {
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
    }


def _role(ports: tuple[int, int], *, controls: bool) -> dict[str, str]:
    if not controls:
        return {"process.roles": "broker", "listeners": f"BROKER://{HOST}:{ports[0]}"}
    listener = f"CONTROLLER://{HOST}:{ports[1]}"
    return {
        "process.roles": "controller",
        "listeners": listener,
        "advertised.listeners": listener,
    }


def _free_ports(count: int) -> list[int]:
    free: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        free.append(port)
        if len(free) == count:
            return free
    raise AssertionError("no free ports")
