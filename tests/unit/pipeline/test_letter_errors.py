"""The error in a dead letter: whatever was raised, the letter can be written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamagents.pipeline.deadletter import LetterFacts, letter
from streamagents.pipeline.outcome import DeadLetter
from streamagents.ports import Position
from support.records import record

STACK = "__streams.errors.stacktrace"
MESSAGE = "__streams.errors.message"
FACTS = LetterFacts(
    origin=Position("order", 0, 7),
    key=b"ada",
    agent="OrderAgent",
    agent_version="3",
    group="shop",
    attempts=3,
    failed_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    replay_count=0,
)


class Outer:
    class DeepError(Exception):
        """Told by its full name."""


def headers(reason: str, error: BaseException | None = None) -> dict[str, bytes]:
    return dict(letter("order.dlq", record(), DeadLetter("c", reason, error), FACTS).headers)


def deep(depth: int) -> None:
    if depth:
        deep(depth - 1)
        return
    raise ValueError("the end")


def raised(depth: int, message: str = "") -> ValueError:
    try:
        deep(depth)
    except ValueError as exc:
        if message:
            exc.args = (message,)
        return exc
    raise AssertionError


def test_a_letter_without_an_error_has_empty_error_headers() -> None:
    found = headers("The record has no value.")

    assert found["__streams.errors.exception"] == found[STACK] == b""
    assert found["kafka_dlt-exception-cause-fqcn"] == b""
    assert found[MESSAGE] == b"The record has no value."


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ValueError(), "ValueError"),
        (SystemExit(), "SystemExit"),
        (Outer.DeepError(), f"{__name__}.Outer.DeepError"),
    ],
)
def test_an_error_is_named_in_full_unless_python_has_it(error: BaseException, name: str) -> None:
    found = headers("r", error)

    assert found["__streams.errors.exception"] == name.encode()
    assert found["kafka_dlt-exception-cause-fqcn"] == name.encode()


def test_a_long_stack_keeps_its_end() -> None:
    stack = headers("r", raised(2, "é" * 9000 + "!"))[STACK]

    assert len(stack) <= 4096
    assert stack.startswith(b"...")
    assert stack.rstrip().endswith("é!".encode())


def test_a_long_message_is_clipped() -> None:
    message = headers("é" * 5000 + "!")[MESSAGE]

    assert len(message) <= 1024
    assert message.decode().endswith("é!")


@given(st.text(st.characters(), max_size=600))
def test_any_text_fits_into_a_header(reason: str) -> None:
    """Also one with lone surrogates, which are no UTF-8."""
    message = headers(reason, ValueError(reason))[MESSAGE]

    if len(reason.encode(errors="replace")) <= 1024:
        assert message == reason.encode(errors="backslashreplace")
    else:
        assert message.startswith(b"...")


def test_a_lone_surrogate_is_shown_and_not_an_error() -> None:
    found = headers("bad \ud800 text", ValueError("bad \udc80"))

    assert found[MESSAGE] == b"bad \\ud800 text"
    assert b"bad \\udc80" in found[STACK]


def test_a_recursion_error_makes_a_letter() -> None:
    def endless() -> None:
        endless()

    with pytest.raises(RecursionError) as caught:
        endless()

    assert len(headers("r", caught.value)[STACK]) <= 4096


def test_an_error_that_cannot_be_printed_makes_a_letter() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    assert b"MuteError" in headers("r", MuteError())[STACK]


def test_a_group_of_errors_makes_a_letter() -> None:
    group = ExceptionGroup("several", [ValueError("one"), KeyError("two")])

    assert b"KeyError: 'two'" in headers("r", group)[STACK]
