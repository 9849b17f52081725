"""`streamagents doctor` without a broker: everything else is told all the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streamagents.devkit.sockets import free_port
from support.commands import streamagents


def environment(folder: Path, **more: str) -> dict[str, str]:
    return {
        "STREAMAGENTS_BROKER": f"127.0.0.1:{free_port()}",
        "STREAMAGENTS_DATA_DIR": str(folder),
        **more,
    }


def test_a_broker_that_is_away_fails_and_the_rest_is_told(tmp_path: Path) -> None:
    done = streamagents("doctor", "--json", env=environment(tmp_path))

    assert done.returncode == 1
    said = json.loads(done.stdout)
    levels = {check["about"]: check["level"] for check in said["checks"]}
    assert said["level"] == "fail"
    assert levels["broker"] == "fail"
    assert levels["settings"] == levels["data folder"] == levels["application"] == "ok"
    assert levels["model"] == "warn"
    assert "Traceback" not in done.stderr


def test_faulty_settings_are_one_line(tmp_path: Path) -> None:
    done = streamagents("doctor", env=environment(tmp_path, STREAMAGENTS_PARTITIONS="many"))

    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    assert line.startswith("FAIL  settings")
    assert "STREAMAGENTS_PARTITIONS" in line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("raise ValueError('no way')", "it cannot be imported: ValueError: no way"),
        ("app = 1", "has no `app = create_app(...)`"),
    ],
)
def test_an_application_that_does_not_import_is_a_finding(
    tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "crm.py").write_text(text)
    done = streamagents("doctor", "--app", "crm", env=environment(tmp_path), cwd=tmp_path)

    assert done.returncode == 1
    assert words in done.stdout
    assert "Traceback" not in done.stderr


def test_a_folder_without_rights_is_told() -> None:
    done = streamagents("doctor", env=environment(Path("/proc/streamagents")))  # for root, too

    assert "FAIL  data folder" in done.stdout


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    done = streamagents("doctor", env=environment(tmp_path / "taken" / "data"))

    assert "FAIL  data folder" in done.stdout
