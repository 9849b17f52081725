"""`deploy/boring/keep-running.sh` as cron runs it: real processes that die, hang and fail."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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
NEEDED = ("flock", "setsid", "nohup", "timeout", "stat", "getconf")
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
        command.write_text(f'#!/bin/sh\nexec {sys.executable} "{STAND_IN}" "$@"\n')
        command.chmod(0o755)
        (folder / "commands").touch()

    def cron(self, *verb: str, **environment: str | None) -> subprocess.Popen[str]:
        lines = [f"{name}={value}" for name, value in self.settings.items()]
        (self.folder / ".env").write_text("\n# settings\n" + "\n".join(lines))
        given = {"PATH": os.environ["PATH"], "HOME": "/nowhere", **environment}
        return subprocess.Popen(
            [SCRIPT, self.folder / ".env", *verb],
            env={name: value for name, value in given.items() if value},  # cron gives hardly more
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def minute(self, *verb: str, **environment: str | None) -> tuple[int, str]:
        """One run: its exit code and what cron would mail."""
        with self.cron(*verb, **environment) as running:
            said, _ = running.communicate(timeout=60)
        return running.returncode, said

    def started(self, name: str) -> list[psutil.Process]:
        """Those that were started as `name` and live, the last one last."""
        lines = [line.split() for line in (self.folder / "commands").read_text().splitlines()]
        pids = [int(pid) for pid, _, *command in lines if command == [name]]
        made = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
        return [process for process in made if not is_dead(process)]

    def stop(self) -> None:
        for name in ("worker", "gateway"):
            for process in self.started(name):
                process.kill()
                wait_until(partial(is_dead, process))

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
    made.stop()


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
        ({"KEEP_GRACE_S": "soon"}, "KEEP_GRACE_S is no number."),
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


@pytest.mark.parametrize("missing", NEEDED)
def test_a_command_that_is_missing_is_named(machine: Machine, missing: str) -> None:
    few = machine.folder / "few"
    few.mkdir()
    for program in ("bash", "date", "dirname", "env", *NEEDED):
        found = shutil.which(program)
        assert found
        if program != missing:
            (few / program).symlink_to(found)

    code, said = machine.minute(PATH=str(few))

    assert (code, said[21:]) == (2, f"There is no command {missing} here: install it.\n")


def test_cron_may_give_no_environment_at_all(machine: Machine) -> None:
    code, said = machine.minute(PATH=None, HOME=None)
    assert code == 0, said
    assert machine.minute() == (0, "")


def test_names_with_spaces_are_names(tmp_path: Path) -> None:
    folder = tmp_path / "my small server"
    folder.mkdir()
    machine = Machine(folder)
    try:
        code, said = machine.minute()
        assert code == 0, said
        assert machine.minute() == (0, "")
    finally:
        machine.stop()


def test_a_python_beside_the_command_is_not_needed(machine: Machine) -> None:
    """As in ~/.local/bin. Nobody could be asked, and what lives would be ended each minute."""
    (machine.folder / "bin" / "python").unlink()
    machine.minute()
    [worker] = machine.started("worker")

    assert machine.minute() == (0, "")
    assert machine.started("worker") == [worker]


def test_a_page_of_another_server_is_not_taken_for_ours(machine: Machine) -> None:
    machine.settings["KEEP"] = "gateway"
    with ThreadingHTTPServer(("127.0.0.1", 0), Welcoming) as other:
        machine.settings["STREAMAGENTS_GATEWAY_PORT"] = str(other.server_port)
        thread = threading.Thread(target=other.serve_forever, args=(0.02,))
        thread.start()
        try:
            code, said = machine.minute()
        finally:
            other.shutdown()
            thread.join(10)
    assert code == 1
    assert "The gateway ended at once, with exit code 1" in said


def test_one_that_was_started_elsewhere_is_told_and_left_alone(
    machine: Machine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Two lines in a crontab, for two data folders and one port."""
    machine.minute()
    other = Machine(tmp_path_factory.mktemp("other"))
    for name in ("STREAMAGENTS_WEB_PORT", "STREAMAGENTS_GATEWAY_PORT"):
        other.settings[name] = machine.settings[name]

    code, said = other.minute()

    assert code == 1
    assert "A worker answers that was not started from here" in said
    assert "A gateway answers that was not started from here" in said
    assert other.commands() == []
    assert machine.minute() == (0, "")


@pytest.mark.parametrize("file", ["logs/gateway.out", "run/gateway.pid"])
def test_without_a_place_for_its_files_nothing_is_left_running(machine: Machine, file: str) -> None:
    machine.settings["KEEP"] = "gateway"
    (machine.folder / "data" / file).mkdir(parents=True)

    code, said = machine.minute()

    assert code == 1
    assert f"The gateway is not started: {machine.folder}/data/{file} cannot be written." in said
    wait_until(lambda: machine.started("gateway") == [])


def test_a_log_on_a_full_disk_is_cut_off_all_the_same(machine: Machine) -> None:
    machine.settings["KEEP"] = "gateway"
    machine.minute()
    out = machine.folder / "data" / "logs" / "gateway.out"
    os.truncate(out, 11 << 20)
    out.with_name("gateway.out.1").symlink_to("/dev/full")

    assert machine.minute() == (0, "")

    assert out.stat().st_size == 0


def test_after_a_reboot_a_pid_is_anybodys(machine: Machine) -> None:
    machine.settings["KEEP"] = "gateway"
    machine.minute()
    [gateway] = machine.started("gateway")
    record = machine.folder / "data" / "run" / "gateway.pid"
    record.write_text(record.read_text().partition("@")[0] + "@another-boot\n")
    (machine.folder / "gateway.deaf").touch()

    code, said = machine.minute()

    assert (code, "it is ended" in said) == (1, False)
    assert machine.started("gateway") == [gateway]


def test_what_is_stopped_stays_down_until_it_is_started(machine: Machine) -> None:
    machine.minute()

    code, said = machine.minute("stop")
    assert code == 0, said
    assert [line[21:] for line in said.splitlines()] == [
        "The gateway is stopped.",
        "The worker is stopped.",
    ]
    assert machine.started("worker") == machine.started("gateway") == []
    assert machine.minute() == (0, "")
    assert machine.minute("stop") == (0, "")
    assert machine.started("worker") == []

    assert machine.minute("start")[0] == 0
    assert len(machine.started("worker")) == len(machine.started("gateway")) == 1
    assert machine.minute() == (0, "")


def test_settings_that_are_a_folder_are_none(machine: Machine) -> None:
    done = subprocess.run([SCRIPT, machine.folder], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "cannot be read: copy .env.example." in done.stderr


def test_what_is_written_is_for_nobody_else(machine: Machine) -> None:
    machine.minute()
    written = [file for file in (machine.folder / "data").rglob("*") if file.is_file()]
    assert written
    assert [file for file in written if file.stat().st_mode & 0o077] == []


class Welcoming(BaseHTTPRequestHandler):
    """Answers 200 to whatever it is asked."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<!doctype html><p>Welcome!")

    def log_message(self, *_: object) -> None:
        """Say nothing."""
