"""`streamagents demo` as a person runs it, against a broker and a data folder of its own."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.devkit.sockets import free_port
from streamagents.starter.samples import sample_events
from support import wait_until
from support.commands import ANY_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

CHECKOUT = Path(__file__).parents[2]
COUNTS = ("produced", "processed", "duplicates", "retried", "dead_lettered", "fallback", "lost")
LIMIT_MIB = 400


class Demo:
    """Starts demos in one data folder, and leaves none behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._running: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        env = {
            **os.environ,
            "PYTHONPATH": str(CHECKOUT),
            "STREAMAGENTS_DATA_DIR": str(self.folder / "data"),
            **ANY_PORT,
            "STREAMAGENTS_KAFKA_PORT": str(self.port),
            **{f"STREAMAGENTS_{name}": value for name, value in settings.items()},
        }
        output = (self.folder / "out.txt").open("w")
        with output:
            process = subprocess.Popen(
                [sys.executable, "-m", "streamagents", "demo", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if "--json" in arguments else output,
                stderr=output,
                text=True,
                env=env,
                cwd=self.folder,
            )
        self._running.append(process)
        return process

    def said(self) -> str:
        return (self.folder / "out.txt").read_text()

    def broker_runs(self) -> bool:
        return (self.folder / "data" / "kafka" / "broker.json").exists()

    def end(self) -> None:
        for process in self._running:
            if process.poll() is None:
                for _ in range(2):  # the second one ends it at once, and its broker
                    process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


@pytest.fixture
def demo(kafka_runs: None, tmp_path: Path) -> Iterator[Demo]:
    running = Demo(tmp_path)
    yield running
    running.end()


def assert_complete(summary: dict[str, Any]) -> None:
    """SEMANTICS 36, and what the samples themselves expect."""
    samples = sample_events("any")
    expected = [sample.expect for sample in samples]
    heard = summary["heard"]
    assert summary["produced"] == len(samples) + sum(heard.values())
    assert heard.pop("cron") >= 1  # a new minute may begin meanwhile
    assert heard == {"feed": 2, "page": 1, "listing": 2, "links": 1, "webhook": 2, "file": 2}
    expected += ["duplicate"]  # the webhook was delivered twice
    assert summary["produced"] == sum(
        summary[name] for name in ("processed", "duplicates", "dead_lettered", "lost")
    )
    assert summary["lost"] == summary["ran_twice"] == 0
    assert summary["duplicates"] == expected.count("duplicate")
    assert summary["dead_lettered"] == expected.count("dead_lettered")
    assert summary["fallback"] == expected.count("fallback")
    assert summary["retried"] >= 1
    for name in COUNTS[1:]:
        assert summary[name] == sum(topic[name] for topic in summary["topics"].values())


def test_once_prints_one_json_document_and_nothing_is_lost(demo: Demo) -> None:
    # The second run meets the topics, the state and the events of the first.
    for _ in range(2):
        process = demo.start("--once", "--json")
        out, _ = process.communicate(timeout=90)

        assert process.returncode == 0, demo.said()
        summary = json.loads(out)
        assert_complete(summary)
        assert 0 < summary["seconds"] < 60
        assert 0 < summary["rss_mib"] <= LIMIT_MIB
        assert summary["topics"]["lead_scored"]["produced"] > 0
        assert "Traceback" not in demo.said()
        assert not demo.broker_runs()


def test_without_a_terminal_it_prints_lines_and_serves_until_ctrl_c(demo: Demo) -> None:
    process = demo.start()
    wait_until(lambda: "until Ctrl-C" in demo.said() or process.poll() is not None, 90)
    assert process.poll() is None, demo.said()

    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 0

    said = demo.said()
    assert "streamagents send" in said
    assert "Nothing was lost and nothing ran twice" in said
    assert "\x1b" not in said
    assert "Traceback" not in said
    assert not demo.broker_runs()


@pytest.mark.parametrize("moment", ["Starting Kafka", "Creating the topics", "Starting the agents"])
def test_ctrl_c_ends_it_at_any_moment(demo: Demo, moment: str) -> None:
    process = demo.start()
    wait_until(lambda: moment in demo.said() or process.poll() is not None, 60)

    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 128 + signal.SIGINT, demo.said()

    assert "Traceback" not in demo.said()
    assert not demo.broker_runs()


def test_a_broker_elsewhere_needs_a_yes(demo: Demo) -> None:
    process = demo.start("--once", BROKER="kafka.example.com:9092")

    assert process.wait(timeout=30) == 2
    assert "--yes" in demo.said()


def test_a_second_demo_on_a_data_folder_says_that_there_is_one(demo: Demo) -> None:
    (demo.folder / "data").mkdir()
    with (demo.folder / "data" / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = demo.start("--once")

        assert process.wait(timeout=30) == 1
    assert "A demo is running on the data folder" in demo.said()
    assert "Traceback" not in demo.said()


def test_a_broker_that_is_away_is_one_sentence(demo: Demo) -> None:
    process = demo.start("--once", BROKER=f"127.0.0.1:{free_port()}")

    assert process.wait(timeout=30) == 1
    assert "No Kafka broker can be reached" in demo.said()
    assert "Traceback" not in demo.said()
