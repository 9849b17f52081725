"""`streamagents worker` hands over to Faust."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from typer.testing import CliRunner

from streamagents.cli import app


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """What the runtime was asked to run."""
    calls: list[tuple[str, list[str]]] = []
    stand_in = ModuleType("streamagents.runtime.worker")
    stand_in.__dict__["run"] = lambda module, argv: calls.append((module, argv))
    monkeypatch.setitem(sys.modules, "streamagents.runtime.worker", stand_in)
    return calls


def test_further_options_are_fausts(started: list[tuple[str, list[str]]]) -> None:
    done = CliRunner().invoke(app, ["worker", "-A", "crm", "-l", "debug", "--web-port", "7", "x"])

    assert done.exit_code == 0
    assert started == [("crm", ["-l", "debug", "--web-port", "7", "x"])]


def test_the_application_is_that_of_the_settings(
    started: list[tuple[str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    CliRunner().invoke(app, ["worker"])
    monkeypatch.setenv("STREAMAGENTS_APP", "crm.main")
    CliRunner().invoke(app, ["worker"])

    assert started == [("streamagents", []), ("crm.main", [])]
