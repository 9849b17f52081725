"""`deploy/systemd/` as systemd reads it: nothing unknown, nothing that is not there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from streamagents.ops.supervisor import BEAT_S
from streamagents.settings import Settings
from support.commands import CHECKOUT
from support.deployment import has_command, seconds
from support.tools import on_path

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = CHECKOUT / "deploy" / "systemd"
SERVICES = ["broker", "worker", "gateway"]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units, with programs that exist on this machine."""
    folder = tmp_path / "units"
    shutil.copytree(FOLDER, folder)
    for unit in folder.glob("*.service"):
        text = unit.read_text()
        for program in set(re.findall(r"/opt/streamagents/\.venv/bin/\w+", text)):
            text = text.replace(program, "/bin/true")
        unit.write_text(text)
    return folder


def verified(folder: Path) -> str:
    """What systemd says of the units, and of those that they name."""
    units = [folder / "streamagents.target", *sorted(folder.glob("streamagents-*.service"))]
    done = subprocess.run(
        [on_path("systemd-analyze"), "verify", "--man=no", *units],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"},
    )
    return done.stderr


def read(unit: str) -> dict[str, list[str]]:
    """A unit's own lines, and what all of them share."""
    found: dict[str, list[str]] = {}
    for file in (FOLDER / unit, FOLDER / "streamagents-.service.d" / "10-common.conf"):
        for line in file.read_text().splitlines():
            if "=" in line and not line.startswith("#"):
                name, _, value = line.partition("=")
                found.setdefault(name, []).append(value)
    return found


def test_systemd_finds_nothing(installed: Path) -> None:
    assert verified(installed) == ""


def test_systemd_would_find_something(installed: Path) -> None:
    unit = installed / "streamagents-worker.service"
    unit.write_text(unit.read_text() + "MemoryMaximum=1G\n")
    assert "Unknown key 'MemoryMaximum'" in verified(installed)
    unit.write_text(unit.read_text().replace("=/bin/true worker", "=/bin/there-is-none"))
    assert "there-is-none" in verified(installed)


@pytest.mark.parametrize("service", SERVICES)
def test_systemd_thinks_them_safe(installed: Path, service: str) -> None:
    unit = installed / f"streamagents-{service}.service"
    command = ["security", "--offline=true", "--no-pager", "--threshold=20", str(unit)]
    done = subprocess.run(
        [on_path("systemd-analyze"), *command],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{installed}:"},
    )
    assert done.returncode == 0, done.stdout[-200:]


@pytest.mark.parametrize("service", SERVICES)
def test_each_runs_for_ever_within_its_memory(service: str) -> None:
    unit = read(f"streamagents-{service}.service")
    assert unit["Restart"] == ["always"]
    assert unit["StartLimitIntervalSec"] == ["0"]
    assert unit["User"] == ["streamagents"]
    assert megabytes(unit["MemoryHigh"][0]) < megabytes(unit["MemoryMax"][0])


def test_all_of_them_fit_a_small_server() -> None:
    most = [megabytes(read(f"streamagents-{each}.service")["MemoryMax"][0]) for each in SERVICES]
    assert sum(most) <= 960


def test_a_worker_gets_longer_to_end_than_its_agents_do() -> None:
    [stop] = read("streamagents-worker.service")["TimeoutStopSec"]
    assert seconds(stop) > Settings.model_fields["shutdown_grace_s"].default + 10


@pytest.mark.parametrize("service", SERVICES)
def test_each_says_that_it_is_ready_and_feeds_a_watchdog(service: str) -> None:
    assert f"streamagents-{service}.service" in (FOLDER / "streamagents.target").read_text()
    unit = read(f"streamagents-{service}.service")
    assert unit["Type"] == ["notify"]
    # A worker whose loop stands still ends itself before that, and tells where it stood.
    dead_s = Settings.model_fields["stuck_after_s"].default
    assert dead_s + 2 * BEAT_S < seconds(unit["WatchdogSec"][0])
    assert seconds(unit["TimeoutAbortSec"][0]) < seconds(unit["TimeoutStopSec"][0])
    assert "PYTHONFAULTHANDLER=1" in unit["Environment"]
    assert unit["LimitCORE"] == ["0"]


@pytest.mark.parametrize(
    ("service", "foreign"),
    [
        ("broker", {"ANTHROPIC_API_KEY", "STREAMAGENTS_GATEWAY_TOKEN"}),
        ("worker", {"STREAMAGENTS_GATEWAY_TOKEN"}),
        ("gateway", {"ANTHROPIC_API_KEY"}),
    ],
)
def test_what_it_does_not_need_it_is_not_told(service: str, foreign: set[str]) -> None:
    [unset] = read(f"streamagents-{service}.service")["UnsetEnvironment"]
    assert {*foreign, "GF_SECURITY_ADMIN_PASSWORD"} <= set(unset.split())


def test_the_commands_they_run_exist() -> None:
    commands = re.findall(
        r"/bin/streamagents (\w+)", "".join(each.read_text() for each in FOLDER.glob("*.service"))
    )
    assert all(map(has_command, set(commands)))
    assert set(commands) >= {"kafka", "topics", "worker", "gateway"}


def megabytes(size: str) -> int:
    assert size.endswith("M")
    return int(size[:-1])
