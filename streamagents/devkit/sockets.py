"""Ports of this machine: is one free, who has it, and does Kafka answer there."""

from __future__ import annotations

import errno
import socket
import struct
from dataclasses import dataclass

import psutil

from streamagents.devkit.properties import HOST
from streamagents.errors import DevkitError

_PROBE_TIMEOUT_S = 2.0
_LARGEST_ANSWER_BYTES = 1024 * 1024
_METADATA_REQUEST, _METADATA_VERSION, _CORRELATION = 3, 2, 1


@dataclass(frozen=True, kw_only=True)
class ClusterAnswer:
    """What a Kafka broker answered: its cluster, and how many brokers are in service there."""

    cluster_id: str
    brokers: int


def free_port() -> int:
    """Return a port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def listening(wanted: int = 0) -> socket.socket:
    """A socket that listens on this port, or on another one if somebody has it."""
    try:
        return socket.create_server((HOST, wanted))
    except OSError:
        return socket.create_server((HOST, 0))


def require_free(port: int) -> None:
    """Check that the broker can listen on the port.

    Raises:
        DevkitError: it cannot; the sentence names the process that has it, where known.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Kafka does it
        try:
            probe.bind((HOST, port))
        except OSError as exc:
            if exc.errno == errno.EADDRINUSE:
                raise DevkitError(taken(port, _listener(port))) from exc
            raise DevkitError(
                f"The embedded broker cannot listen on {HOST}:{port} ({exc.strerror}):"
                " set STREAMAGENTS_KAFKA_PORT to another port."
            ) from exc


def taken(port: int, by: str | None) -> str:
    """Say in one sentence that the port is in use."""
    return (
        f"Port {port} is taken by {by or 'another process'}: end that process, or set"
        " STREAMAGENTS_KAFKA_PORT to a free port."
    )


def _listener(port: int) -> str | None:
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr
            if listens and listens.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        return None  # the name is a courtesy; macOS shows it only to root
    return None


def ask_cluster(port: int) -> ClusterAnswer | None:
    """Send a Kafka Metadata request; none when nobody gives a Kafka answer.

    Metadata rather than ApiVersions: a broker answers the latter before it is in service, and only
    this one tells whose cluster answers.
    """
    try:
        with socket.create_connection((HOST, port), _PROBE_TIMEOUT_S) as connection:
            connection.settimeout(_PROBE_TIMEOUT_S)
            connection.sendall(_metadata_request())
            (length,) = struct.unpack(">i", _receive(connection, 4))
            if not 0 < length <= _LARGEST_ANSWER_BYTES:
                return None
            return parse_metadata(_receive(connection, length))
    except (OSError, ValueError):
        return None


def _receive(connection: socket.socket, length: int) -> bytes:
    data = connection.recv(length, socket.MSG_WAITALL)
    if len(data) != length:
        raise ValueError("the answer was cut short")
    return data


def _metadata_request() -> bytes:
    header = struct.pack(">hhi", _METADATA_REQUEST, _METADATA_VERSION, _CORRELATION)
    no_topics = struct.pack(">i", 0)
    body = header + _string(b"streamagents") + no_topics
    return struct.pack(">i", len(body)) + body


def _string(value: bytes) -> bytes:
    return struct.pack(">h", len(value)) + value


def parse_metadata(answer: bytes) -> ClusterAnswer:
    """Read a Metadata answer, version 2.

    Raises:
        ValueError: these bytes are no such answer.
    """
    reader = _Reader(answer)
    if reader.int32() != _CORRELATION:
        raise ValueError("not the answer to our request")
    brokers = reader.int32()
    for _ in range(brokers):
        reader.int32()  # id
        reader.string()  # host
        reader.int32()  # port
        reader.string()  # rack
    return ClusterAnswer(cluster_id=reader.string() or "", brokers=brokers)


class _Reader:
    """Reads Kafka's wire types one after another."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def _take(self, count: int) -> bytes:
        if len(self._data) < count:
            raise ValueError("the answer was cut short")
        taken_bytes, self._data = self._data[:count], self._data[count:]
        return taken_bytes

    def int32(self) -> int:
        """Read a signed 32-bit number."""
        return int.from_bytes(self._take(4), "big", signed=True)

    def string(self) -> str | None:
        """Read a string that may be null."""
        length = int.from_bytes(self._take(2), "big", signed=True)
        return None if length < 0 else self._take(length).decode()
