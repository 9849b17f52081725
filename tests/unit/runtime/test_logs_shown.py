"""Logs as they are written: JSON or text, to a file too, without what must not be read."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from structlog.testing import capture_logs

from streamagents.errors import ConfigurationError
from streamagents.ops.logs import LogFile
from streamagents.ports import Report
from streamagents.runtime.logs import OutcomeLog, _Render, start_logs, stop_logs
from streamagents.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = "sk-ant-" + "0123456789"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., StringIO]]:
    """Starts logs with these settings; what is written then."""
    root, file = logging.getLogger(), None
    handlers, level = root.handlers[:], root.level

    def start(**settings: Any) -> StringIO:
        nonlocal file
        stream = StringIO()
        root.handlers[:] = [logging.StreamHandler(stream)]
        root.setLevel(logging.INFO)
        file = start_logs(Settings(anthropic_api_key=KEY, **settings))
        return stream

    yield start
    stop_logs(file)
    root.handlers[:] = handlers
    root.setLevel(level)


def logger() -> Any:
    return structlog.wrap_logger(
        logging.getLogger("streamagents.test"),
        processors=[structlog.processors.format_exc_info, _Render()],
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def lines(stream: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_is_an_object_a_line_with_action_event_agent_and_attempt(
    written: Callable[..., StringIO],
) -> None:
    stream = written(log_format="json")
    logger().warning("dead_lettered", event_id="c-1", agent="LeadAgent", attempts=3, reason='"ü')
    logging.getLogger("somebody.else").error("Connect to %s failed", "127.0.0.1:1")

    first, second = lines(stream)
    assert first.pop("time").endswith("+00:00")
    assert first == {
        "level": "warning",
        "logger": "streamagents.test",
        "action": "dead_lettered",
        "event_id": "c-1",
        "agent": "LeadAgent",
        "attempts": 3,
        "attempt": 3,
        "reason": '"ü',
    }
    assert (second["action"], second["message"]) == ("log", "Connect to 127.0.0.1:1 failed")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_secret_is_written_not_even_in_a_traceback_or_by_others(
    written: Callable[..., StringIO], log_format: str
) -> None:
    stream = written(log_format=log_format, redact="email")
    error = ValueError(f"the key {KEY} is wrong")
    logger().error("failed", key=KEY, nested={"k": [KEY]}, exc_info=error)
    logging.getLogger("httpx2").error("it was %s", KEY, exc_info=error)
    logger().info("sent", email="ada@example.com", reason="email=ada@example.com")

    assert KEY not in stream.getvalue()
    assert "ada@example.com" not in stream.getvalue()
    assert stream.getvalue().count(": the key *** is wrong") == 2


def test_text_is_as_it_was(written: Callable[..., StringIO]) -> None:
    stream = written()
    logger().info("intake_begins", partitions=[1])

    assert stream.getvalue() == "event='intake_begins' partitions=[1]\n"


def test_what_is_no_json_is_shown_as_text(written: Callable[..., StringIO]) -> None:
    stream = written(log_format="json")
    logger().info("odd", value=object, raw=b"\xff", **{"and": {1, 2}})

    (line,) = lines(stream)
    assert line["raw"] == "b'\\xff'"


def test_a_file_is_written_too_and_rotated(
    written: Callable[..., StringIO], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamagents.ops.logs._FILE_BYTES", 2000)
    path = tmp_path / "logs" / "worker.log"
    stream = written(log_format="json", log_file=path)
    for n in range(200):
        logger().info("line", n=n)

    kept = sorted(file.name for file in path.parent.iterdir())
    assert kept == ["worker.log", *(f"worker.log.{n}" for n in range(1, 6))]
    assert json.loads(path.read_text().splitlines()[-1])["n"] == 199
    assert all(file.stat().st_size <= 2000 for file in path.parent.iterdir())
    assert len(lines(stream)) == 200


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()

    with pytest.raises(ConfigurationError) as refused:
        LogFile(tmp_path / "taken" / "worker.log")

    assert str(refused.value).startswith(f"The log file {tmp_path}/taken/worker.log cannot be")
    assert "STREAMAGENTS_LOG_FILE" in str(refused.value)


def test_a_full_disk_is_told_once_and_ends_nothing(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = LogFile(tmp_path / "worker.log")
    assert file.stream is not None
    file.stream.close()
    file.stream = open("/dev/full", "w")  # noqa: PTH123, SIM115 - closed with the handler
    for _ in range(3):
        file.emit(logging.makeLogRecord({"msg": "x", "levelno": logging.INFO}))
    with suppress(OSError):
        file.close()

    assert capfd.readouterr().err.count("cannot be written") == 1


def test_outcomes_are_told_where_they_are_asked_for() -> None:
    told = OutcomeLog()
    with capture_logs() as logs:
        for outcome in ("ok", "started", "dead_lettered", "duplicate"):
            told.observe(Report(outcome, "lead", 0, 7, "c-1", "LeadAgent", 2))

    actions = [(line["event"], line["event_id"], line["attempt"]) for line in logs]
    assert actions == [("ok", "c-1", 2), ("duplicate", "c-1", 2)]
