from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from streamagents.cli.kafka import app
from streamagents.devkit.broker import EmbeddedBroker
from streamagents.devkit.sockets import free_port
from streamagents.errors import DevkitError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STREAMAGENTS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("STREAMAGENTS_KAFKA_PORT", str(free_port()))
    return tmp_path


@pytest.mark.parametrize("command", [["up"], ["up", "--foreground"], ["down"], ["reset", "--yes"]])
def test_a_foreign_broker_is_left_alone(
    own_data: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("STREAMAGENTS_BROKER", "kafka.example:9092")
    result = CliRunner().invoke(app, command)
    assert isinstance(result.exception, DevkitError)
    assert "kafka.example:9092, which is used untouched" in str(result.exception)


def test_status_tells_of_a_foreign_broker(own_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMAGENTS_BROKER", "kafka.example:9092")
    assert "kafka.example:9092: it is used untouched" in CliRunner().invoke(app, ["status"]).output
    output = CliRunner().invoke(app, ["status", "--json"]).output
    assert json.loads(output) == {"embedded": False, "address": "kafka.example:9092"}


def test_status_of_a_broker_that_does_not_run(own_data: Path) -> None:
    assert "is not running" in CliRunner().invoke(app, ["status"]).output
    told = json.loads(CliRunner().invoke(app, ["status", "--json"]).output)
    assert (told["running"], told["pid"], told["data_dir"]) == (False, None, str(own_data))


def test_down_without_a_broker_is_no_fault(own_data: Path) -> None:
    result = CliRunner().invoke(app, ["down"])
    assert (result.exit_code, result.output) == (0, "The embedded broker was not up.\n")


def test_reset_without_a_terminal_needs_yes(own_data: Path) -> None:
    (own_data / "kafka").mkdir()
    assert CliRunner().invoke(app, ["reset"], input="y\n").exit_code == 2
    assert (own_data / "kafka").exists()
    assert CliRunner().invoke(app, ["reset", "--yes"]).exit_code == 0
    assert not (own_data / "kafka").exists()


@pytest.mark.kafka
def test_up_again_and_down(kafka_runs: None, own_data: Path) -> None:
    try:
        told = json.loads(CliRunner().invoke(app, ["up", "--json"]).stdout)
        assert told["running"] is True
        assert "already up" in CliRunner().invoke(app, ["up"]).stdout
        assert "is down" in CliRunner().invoke(app, ["down"]).stdout
    finally:
        EmbeddedBroker(own_data, 1).stop()
