"""How the command line ends: sentences, exit codes, and what it does not load."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import typer

from streamagents import cli
from streamagents.errors import TopicsError
from support.commands import streamagents

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("faust", "aiokafka", "anthropic", "jgo", "psutil")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    """The command line with one command, which a test lets fail."""
    app = typer.Typer(pretty_exceptions_enable=False)
    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(sys, "argv", ["streamagents"])
    return app


def exit_code() -> object:
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def test_an_error_on_purpose_is_one_sentence_and_exit_code_1(
    failing: typer.Typer, capsys: pytest.CaptureFixture[str]
) -> None:
    @failing.command()
    def _refuse() -> None:
        raise TopicsError("There is no such topic.")

    assert exit_code() == 1
    assert capsys.readouterr() == ("", "There is no such topic.\n")


def test_an_interrupt_is_exit_code_130_without_a_traceback(
    failing: typer.Typer, capsys: pytest.CaptureFixture[str]
) -> None:
    @failing.command()
    def _wait() -> None:
        raise KeyboardInterrupt

    assert exit_code() == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_fault_of_ours_is_not_hidden(failing: typer.Typer) -> None:
    @failing.command()
    def _break() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cli.main()


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        ("--frobnicate",),
        ("send",),
        ("topics", "shrink"),
        ("send", "t", "--data", "@/nowhere/at/all"),
    ],
)
def test_wrong_usage_is_exit_code_2(
    arguments: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["streamagents", *arguments])

    assert exit_code() == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("topics", "--help"),
        ("send", "--help"),
        ("kafka", "--help"),
        ("dlq", "--help"),
        ("dlq", "replay", "--help"),
        ("--version",),
    ],
)
def test_help_loads_neither_faust_nor_a_kafka_client_nor_a_model(
    arguments: tuple[str, ...],
) -> None:
    script = (
        "import sys; from streamagents.cli import app; app(sys.argv[1:], standalone_mode=False); "
        f"print(sorted(set(sys.modules) & set({HEAVY})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "[]"


def test_the_commands_are_listed() -> None:
    listed = streamagents("--help").stdout

    assert [name for name in ("kafka", "topics", "send", "worker") if name in listed] == [
        "kafka",
        "topics",
        "send",
        "worker",
    ]


def test_a_faulty_setting_is_named(tmp_path: Path) -> None:
    done = streamagents("topics", "plan", env={"STREAMAGENTS_BROKER": "here"}, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "The settings cannot be used: STREAMAGENTS_BROKER: 'here' is not host:port.\n"
    )
