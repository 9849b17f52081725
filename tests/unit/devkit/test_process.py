from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamagents.devkit.process import (
    BrokerRecord,
    SeenProcess,
    is_alive,
    is_our_broker,
    kill,
    recorded_process,
    spawn,
    terminate,
)
from streamagents.errors import DevkitError
from support import wait_until

if TYPE_CHECKING:
    import psutil

PROPERTIES = Path("/data/kafka/server.properties")
RECORD = BrokerRecord(pid=4711, create_time=1000.0, port=9092)
BROKER = ("java", "kafka.Kafka", str(PROPERTIES))


@pytest.mark.parametrize(
    ("seen", "ours"),
    [
        (None, False),
        (SeenProcess(create_time=1000.0, arguments=BROKER), True),
        (SeenProcess(create_time=1000.01, arguments=()), True),  # arguments not readable
        (
            SeenProcess(create_time=90_000.0, arguments=("sshd",)),
            False,
        ),  # pid reused after a reboot
        (SeenProcess(create_time=90_000.0, arguments=BROKER), True),  # the clock was set
        (SeenProcess(create_time=1000.0, arguments=BROKER, zombie=True), False),
        (SeenProcess(create_time=9.0, arguments=("java", "/other/server.properties")), False),
    ],
)
def test_a_pid_alone_fools_nobody(seen: SeenProcess | None, *, ours: bool) -> None:
    assert is_our_broker(RECORD, seen, PROPERTIES) is ours


def test_a_stale_record_that_names_a_living_stranger_is_no_broker(tmp_path: Path) -> None:
    path = tmp_path / "broker.json"
    BrokerRecord(pid=os.getpid(), create_time=12.0, port=9092).save(path)
    assert recorded_process(path, PROPERTIES) is None


def test_a_record_is_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "broker.json"
    RECORD.save(path)
    assert BrokerRecord.load(path) == RECORD


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": 1}', '{"pid": null}', "\0"])
def test_a_damaged_record_is_no_record(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broker.json"
    path.write_text(text)
    assert BrokerRecord.load(path) is None
    assert recorded_process(path, PROPERTIES) is None


def sleeper(tmp_path: Path, script: str = "import time; time.sleep(60)") -> psutil.Process:
    return spawn([sys.executable, "-c", script], log=tmp_path / "log")


def test_a_process_has_a_session_of_its_own_and_is_killed(tmp_path: Path) -> None:
    process = sleeper(tmp_path)
    assert os.getsid(process.pid) == process.pid
    kill(process)
    assert not is_alive(process)
    kill(process)  # a second time does no harm


def test_one_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    ignore = "import signal,time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); "
    process = sleeper(tmp_path, ignore + "time.sleep(60)")
    wait_until(lambda: (tmp_path / "log").read_text() == "1\n")
    terminate(process, 0.1)
    assert not is_alive(process)


def test_one_that_ended_by_itself_is_not_alive(tmp_path: Path) -> None:
    process = sleeper(tmp_path, "")
    wait_until(lambda: not is_alive(process))


def test_it_is_told_when_nothing_can_be_started(tmp_path: Path) -> None:
    with pytest.raises(DevkitError, match="could not be started"):
        spawn([str(tmp_path / "no-java")], log=tmp_path / "log")
