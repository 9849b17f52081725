from __future__ import annotations

import re
from pathlib import Path

import pytest

from streamagents.devkit.diagnosis import explain, last_fault, tail

LOG = Path("/data/kafka/broker.log")
STACK = """[main] INFO kafka.Kafka - starting
[main] ERROR kafka.Kafka$ - Exiting Kafka due to fatal exception
java.lang.RuntimeException: wrapped
\tat kafka.Kafka.main(Kafka.scala:93)
Caused by: java.lang.IllegalStateException: the real reason
\tat kafka.Inner.call(Inner.scala:1)
\t... 6 more
[hook] WARN org.apache.kafka.NetworkClient - already closed
"""


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("Caused by: java.io.IOException: No space left on device", "The disk .* is full"),
        (
            "Socket server failed to bind to 127.0.0.1:29092: Address already in use.",
            "Port 29092 is taken by another process",
        ),
        ("java.net.BindException: Address already in use", "Port 9092 is taken"),
        ("KafkaException: Failed to acquire lock on file .lock in /data", "Another Kafka already"),
        ("java.nio.file.AccessDeniedException: /data/kafka", "cannot be written by the broker"),
        (
            STACK,
            "ended by itself; its log says: 'java.lang.IllegalStateException: the real reason'",
        ),
        ("", "its log is empty .*broker.log"),
    ],
)
def test_a_death_is_explained_in_a_sentence(output: str, said: str) -> None:
    sentence = explain(output, log=LOG, port=9092)
    assert re.search(said, sentence), sentence
    assert "\n" not in sentence


def test_a_disk_too_full_for_the_log_is_told_all_the_same() -> None:
    assert "is full" in explain("", log=LOG, port=9092, disk_is_full=True)


@pytest.mark.parametrize(
    ("output", "quote"),
    [
        (STACK, "java.lang.IllegalStateException: the real reason"),
        ("Unrecognized option: -XX:Foo\n\n", "Unrecognized option: -XX:Foo"),
        ("\n \n", None),
    ],
)
def test_the_line_that_matters_is_quoted(output: str, quote: str | None) -> None:
    assert last_fault(output) == quote


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    log = tmp_path / "broker.log"
    log.write_text("x" * 1_000_000 + "end")
    assert tail(log).endswith("end")
    assert len(tail(log)) < 300_000
    assert tail(tmp_path / "none") == ""
