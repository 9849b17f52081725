"""The broker's configuration as data: one small node, and the reader for Kafka's own files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HOST = "127.0.0.1"
NODE_ID = "1"
_MIB = 1024 * 1024

# A 7 MiB dead letter with its headers and the batch around it; topics set their own limit below.
LARGEST_BATCH_BYTES = 7 * _MIB + 512 * 1024
# One produce request may carry a full batch for several partitions; the heap is 128 MiB.
LARGEST_REQUEST_BYTES = 40 * _MIB

_FIXED = {
    "process.roles": "broker,controller",
    "node.id": NODE_ID,
    "inter.broker.listener.name": "BROKER",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    # A missing topic is an error to be told, and an auto-created one has the wrong partitions.
    "auto.create.topics.enable": "false",
    "num.partitions": "1",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.segment.bytes": str(16 * _MIB),
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.segment.bytes": str(16 * _MIB),
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    # After a kill -9 the controller waits for the old session before it lets the broker in again:
    # with the default of 9 s such a start took 12 s.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "log.retention.bytes": str(1024 * _MIB),
    "log.segment.bytes": str(64 * _MIB),
    "log.index.size.max.bytes": str(_MIB),
    "metadata.log.segment.bytes": str(16 * _MIB),
    # An idle laptop's disk may sleep: the default writes a no-op record twice a second, fsynced.
    "metadata.max.idle.interval.ms": "30000",
    "message.max.bytes": str(LARGEST_BATCH_BYTES),
    "replica.fetch.max.bytes": str(LARGEST_BATCH_BYTES),
    "socket.request.max.bytes": str(LARGEST_REQUEST_BYTES),
    "queued.max.request.bytes": str(LARGEST_REQUEST_BYTES),
    # Kafka's default of 128 MiB does not fit into the heap.
    "log.cleaner.dedupe.buffer.size": str(4 * _MIB),
    "log.cleaner.io.buffer.size": str(128 * 1024),
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    "num.recovery.threads.per.data.dir": "1",
    "group.coordinator.threads": "1",
    "share.coordinator.threads": "1",
}


def settings(*, port: int, controller_port: int, storage: Path, fsync: bool) -> dict[str, str]:
    """The configuration of one small node, by name.

    The quorum is named here and not in the storage, so both ports may change at every start.
    """
    broker, controller = f"BROKER://{HOST}:{port}", f"CONTROLLER://{HOST}:{controller_port}"
    flush = ("log.flush.interval.messages", "1") if fsync else ("log.flush.interval.ms", "1000")
    return {
        **_FIXED,
        "listeners": f"{broker},{controller}",
        "advertised.listeners": broker,
        "controller.quorum.voters": f"{NODE_ID}@{HOST}:{controller_port}",
        "log.dirs": str(storage),
        flush[0]: flush[1],
    }


def written(named: Mapping[str, str]) -> str:
    """Write settings as Java reads them: the text of `server.properties`."""
    return "".join(f"{name}={_escaped(value)}\n" for name, value in named.items())


def render(*, port: int, controller_port: int, storage: Path, fsync: bool) -> str:
    """Write `server.properties`."""
    return written(
        settings(port=port, controller_port=controller_port, storage=storage, fsync=fsync)
    )


def parse(text: str) -> dict[str, str]:
    """Read the `name=value` lines of a properties file; anything else is skipped."""
    pairs = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def _escaped(value: str) -> str:
    # Java reads these files as Latin-1, with a backslash as the escape character.
    escaped = value.replace("\\", "\\\\")
    return "".join(char if char.isascii() else _unicode_escapes(char) for char in escaped)


def _unicode_escapes(char: str) -> str:
    units = char.encode("utf-16-be").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
