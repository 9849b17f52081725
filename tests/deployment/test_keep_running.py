"""`deploy/boring/keep-running.sh` as cron runs it: real processes that die, hang and fail."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import psutil
import pytest

from streamagents.devkit.sockets import free_port
from support import wait_until
from support.commands import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCRIPT = CHECKOUT / "deploy" / "boring" / "keep-running.sh"
STAND_IN = CHECKOUT / "tests" / "support" / "stand_in.py"
SECRET = "a b$(touch injected)`x`\"'; #é"


class Machine:
    """A small server: a folder, a settings file, and stand-ins for worker and gateway."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = {
            "STREAMAGENTS_BROKER": "127.0.0.1:9",
            "STREAMAGENTS_DATA_DIR": str(folder / "data"),
            "STREAMAGENTS_WEB_PORT": str(free_port()),
            "STREAMAGENTS_GATEWAY_PORT": str(free_port()),
            "STREAMAGENTS_SHUTDOWN_GRACE_S": "1",
            "HEALTH": str(folder),
            "KEEP_BIN": str(folder / "bin"),
            "KEEP_GRACE_S": "0",
            "KEEP_TRIES": "0",
        }
        (folder / "bin").mkdir()
        (folder / "bin" / "python").symlink_to(sys.executable)
        command = folder / "bin" / "streamagents"
        command.write_text(f'#!/bin/sh\nexec {sys.executable} {STAND_IN} "$@"\n')
        command.chmod(0o755)
        (folder / "commands").touch()

    def cron(self) -> subprocess.Popen[str]:
        lines = [f"{name}={value}" for name, value in self.settings.items()]
        (self.folder / ".env").write_text("\n# settings\n" + "\n".join(lines))
        return subprocess.Popen(
            [SCRIPT, self.folder / ".env"],
            env={"PATH": os.environ["PATH"], "HOME": "/nowhere"},  # cron gives hardly more
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def minute(self) -> tuple[int, str]:
        """One run: its exit code and what cron would mail."""
        with self.cron() as running:
            said, _ = running.communicate(timeout=60)
        return running.returncode, said

    def started(self, name: str) -> list[psutil.Process]:
        """Those that were started as `name` and live, the last one last."""
        lines = [line.split() for line in (self.folder / "commands").read_text().splitlines()]
        pids = [int(pid) for pid, _, *command in lines if command == [name]]
        made = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
        return [process for process in made if not is_dead(process)]

    def commands(self) -> list[str]:
        lines = (self.folder / "commands").read_text().splitlines()
        return [" ".join(line.split()[2:]) for line in lines]


def is_dead(process: psutil.Process) -> bool:
    """Also a zombie, whose parent is busy with other things."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    for name in ("worker", "gateway"):
        for process in made.started(name):
            process.kill()
            wait_until(partial(is_dead, process))


def test_what_is_down_is_started_and_what_runs_is_left_alone(machine: Machine) -> None:
    code, said = machine.minute()
    assert code == 0
    assert "The worker was down: it is started" in said
    assert "The gateway was down: it is started" in said
    assert machine.commands() == ["topics apply", "worker", "gateway"]

    assert machine.minute() == (0, "")  # no mail from cron
    assert machine.commands() == ["topics apply", "worker", "gateway"]


def test_only_the_dead_one_is_started_again(machine: Machine) -> None:
    machine.minute()
    [worker] = machine.started("worker")
    worker.kill()
    wait_until(lambda: is_dead(worker))

    code, said = machine.minute()

    assert (code, said.count("\n")) == (0, 1)
    assert "The worker was down: it is started" in said
    assert machine.commands()[3:] == ["topics apply", "worker"]


@pytest.mark.parametrize("sickness", ["frozen", "deaf"])
def test_one_that_lives_but_does_not_answer_is_ended_and_started_again(
    machine: Machine, sickness: str
) -> None:
    machine.minute()
    [worker] = machine.started("worker")
    if sickness == "frozen":
        worker.send_signal(signal.SIGSTOP)
    else:
        (machine.folder / "worker.deaf").touch()
    with machine.cron() as running:
        wait_until(lambda: is_dead(worker), 30)
        (machine.folder / "worker.deaf").unlink(missing_ok=True)
        said, _ = running.communicate(timeout=60)

    assert running.returncode == 0, said
    assert f"The worker (pid {worker.pid}) lives, but does not answer: it is ended." in said
    [successor] = machine.started("worker")
    assert successor.pid != worker.pid
    assert machine.commands().count("gateway") == 1


def test_one_that_was_just_started_is_given_time(machine: Machine) -> None:
    machine.minute()
    machine.settings["KEEP_GRACE_S"] = "600"
    (machine.folder / "worker.deaf").touch()
    with machine.cron() as running:
        wait_until(lambda: psutil.Process(running.pid).children() != [])
        (machine.folder / "worker.deaf").unlink()
        said, _ = running.communicate(timeout=60)

    assert running.returncode == 0, said
    assert machine.commands().count("worker") == 1


def test_two_at_once_start_everything_once(machine: Machine) -> None:
    with machine.cron() as one, machine.cron() as two:
        said = one.communicate(timeout=60)[0] + two.communicate(timeout=60)[0]

    # Whoever came second found the first at work, or all done.
    assert sorted((one.returncode, two.returncode)) in ([0, 75], [0, 0])
    assert machine.commands() == ["topics apply", "worker", "gateway"], said
    # What was started does not hold the lock: the next run is not told that one is at work.
    assert machine.minute() == (0, "")


def test_one_that_cannot_start_is_told_and_the_others_start(machine: Machine) -> None:
    (machine.folder / "worker.dies").touch()

    code, said = machine.minute()

    assert code == 1
    assert "The worker ended at once, with exit code 1: It cannot be." in said
    assert len(machine.started("gateway")) == 1
    (machine.folder / "worker.dies").unlink()
    assert machine.minute()[0] == 0


def test_without_topics_no_worker_is_started(machine: Machine) -> None:
    (machine.folder / "topics.dies").touch()

    code, said = machine.minute()

    assert code == 1
    assert "The topics could not be made: It cannot be." in said
    assert machine.started("worker") == []


def test_a_port_that_somebody_else_serves_is_not_ours(machine: Machine) -> None:
    machine.settings["KEEP"] = "gateway"
    machine.settings["STREAMAGENTS_GATEWAY_PORT"] = machine.settings["STREAMAGENTS_WEB_PORT"]
    machine.minute()
    (machine.folder / "gateway.deaf").touch()
    # A pid that came again, after a reboot for one: it names somebody who is not to be ended.
    (machine.folder / "data" / "run" / "gateway.pid").write_text(f"{os.getpid()} 1\n")

    code, said = machine.minute()

    assert code == 1
    assert "The gateway ended at once, with exit code 1" in said
    assert len(machine.started("gateway")) == 1


def test_settings_are_taken_as_they_are_and_logs_go_to_their_own_files(machine: Machine) -> None:
    machine.settings["STREAMAGENTS_GATEWAY_TOKEN"] = SECRET
    machine.settings["KEEP"] = '"gateway"'

    code, said = machine.minute()

    assert code == 0, said
    [gateway] = machine.started("gateway")
    seen = gateway.environ()
    assert seen["STREAMAGENTS_GATEWAY_TOKEN"] == SECRET
    assert seen["STREAMAGENTS_LOG_FILE"] == str(machine.folder / "data" / "logs" / "gateway.log")
    assert SECRET not in said
    assert not list(CHECKOUT.glob("injected"))


def test_what_is_printed_is_cut_off(machine: Machine) -> None:
    machine.settings["KEEP"] = "gateway"
    machine.minute()
    out = machine.folder / "data" / "logs" / "gateway.out"
    os.truncate(out, 11 << 20)

    assert machine.minute() == (0, "")

    assert out.stat().st_size == 0
    assert out.with_name("gateway.out.1").stat().st_size == 11 << 20


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"KEEP": "worker kafka"}, "KEEP names kafka: known are broker, worker and gateway."),
        ({"KEEP_BIN": "/nowhere"}, "There is no command /nowhere/streamagents"),
        ({"two words": "x"}, "has a line that is no NAME=value."),
        ({"STREAMAGENTS_WEB_PORT": "off"}, "STREAMAGENTS_WEB_PORT is no port"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_a_sentence(
    machine: Machine, broken: dict[str, str], words: str
) -> None:
    machine.settings.update(KEEP="")
    machine.settings.update(broken)

    code, said = machine.minute()

    assert code == 2
    assert words in said
    assert said.count("\n") == 1
