from __future__ import annotations

import socket
import struct
import threading

import pytest

from streamagents.devkit.sockets import (
    ClusterAnswer,
    ask_cluster,
    free_port,
    parse_metadata,
    require_free,
)
from streamagents.errors import DevkitError

ANSWER = bytes.fromhex(
    "00000001 00000001 00000001 0009 3132372e302e302e31 000071a4 ffff 0003 6b4162 00000001 00000000"
)


def test_a_metadata_answer_is_read() -> None:
    assert parse_metadata(ANSWER) == ClusterAnswer(cluster_id="kAb", brokers=1)


@pytest.mark.parametrize("answer", [b"", ANSWER[:20], b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_anything_else_is_no_answer(answer: bytes) -> None:
    with pytest.raises(ValueError, match="answer"):
        parse_metadata(answer)


@pytest.mark.parametrize(
    "reply", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", struct.pack(">i", 10) + b"short"]
)
def test_a_stranger_on_the_port_is_not_kafka(reply: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(reply)

        stranger = threading.Thread(target=serve)
        stranger.start()
        assert ask_cluster(server.getsockname()[1]) is None
        stranger.join(5)


def test_nobody_on_the_port_is_not_kafka() -> None:
    assert ask_cluster(free_port()) is None


def test_a_free_port_is_free() -> None:
    require_free(free_port())


def test_a_taken_port_names_its_owner() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(DevkitError, match=r"is taken by .*\(pid \d+\).*STREAMAGENTS_KAFKA_PORT"),
    ):
        require_free(server.getsockname()[1])
