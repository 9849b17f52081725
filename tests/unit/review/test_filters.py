"""Filters: which letters are meant, and expressions that are none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streamagents.errors import ConfigurationError
from streamagents.review.filters import Filter, Where, read_moment
from support.post import SPRING, a_letter, foreign

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
WRITTEN = datetime.fromtimestamp(1_795_400_000, UTC)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ({}, True),
        ({"topic": "order"}, True),
        ({"topic": "order.dlq"}, True),
        ({"topic": "other"}, False),
        ({"agent": "OrderAgent"}, True),
        ({"agent": "orderagent"}, False),
        ({"error": "failed"}, True),
        ({"error": "ValueError"}, True),
        ({"error": "timeout"}, False),
        ({"key": "ada"}, True),
        ({"key": "ad"}, False),
        ({"id": "c-1"}, True),
        ({"id": "order:2:7"}, True),
        ({"id": "order.dlq:2:0"}, True),
        ({"id": "c-2"}, False),
        ({"since": WRITTEN}, True),
        ({"until": WRITTEN}, False),
        ({"since": WRITTEN + timedelta(seconds=1)}, False),
        ({"topic": "order", "agent": "OrderAgent", "key": "bob"}, False),
    ],
)
def test_a_letter_is_meant_if_all_that_is_asked_holds(asked: dict[str, Any], meant: bool) -> None:  # noqa: FBT001 - a table
    assert Filter(**asked).matches(a_letter()) is meant


def test_a_topic_may_be_named_without_its_prefix() -> None:
    letter = a_letter(topic="eu.order")

    assert Filter(topic="order", prefix="eu.").matches(letter)
    assert not Filter(topic="order", prefix="us.").matches(letter)


@pytest.mark.parametrize("error", ["IllegalStateException", "java.lang.IllegalStateException"])
def test_an_error_of_others_is_named_by_its_class(error: str) -> None:
    assert Filter(error=error).matches(foreign(SPRING))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("data.amount > `5`", True),
        ("data.amount > `7`", False),
        ("error.code == 'failed' && attempts == `3`", True),
        ("headers.ce_id == 'c-1'", True),
        ("agent == 'OrderAgent' && replays == `0` && state == 'open'", True),
        ("topic == 'order' && partition == `2` && offset == `7`", True),
        ("data.nothing", False),
        ("contains(key, 'ad')", True),
        ("data.card", True),
        ("size > `10`", True),
        ("length(data.nothing) > `1`", False),  # cannot be asked
        # What is no boolean counts as JMESPath has it: nothing, `false` and what is empty do not.
        ("data.amount", True),
        ("`0`", True),
        ("''", False),
        ("`[]`", False),
        ("`null`", False),
    ],
)
def test_an_expression_asks_the_fields_of_a_letter(text: str, meant: bool) -> None:  # noqa: FBT001 - a table
    assert Filter(where=Where(text)).matches(a_letter()) is meant


@pytest.mark.parametrize("value", [b"{", b"\xff\x00", None, b"[" * 100_000, b"1"])
def test_letters_without_data_are_not_meant_and_break_nothing(value: bytes | None) -> None:
    where = Where("data.amount > `5`")

    assert not where(a_letter(value, headers=()))


def test_letters_of_which_it_cannot_be_asked_are_counted() -> None:
    where = Where("length(data.amount) > `1`")
    where(a_letter())

    assert where.unanswered == 1


@pytest.mark.parametrize(
    "text", ["", "data.[x", "foo(a", "a[0:2].nope(b)", "a ?? b", "(" * 5000, "__import__('os')"]
)
def test_what_is_no_expression_is_one_sentence(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^--where") as refused:
        Where(text)

    assert "\n" not in str(refused.value)


def test_too_many_arguments_show_with_the_first_letter() -> None:
    where = Where("length(data, data)")
    with pytest.raises(ConfigurationError, match="is no JMESPath expression"):
        where(a_letter())


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90m", NOW - timedelta(minutes=90)),
        ("2d", NOW - timedelta(days=2)),
        ("2026-11-22T10:00:00Z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22T10:00:00", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
        ("2026-11-22T10:00:00+02:00", datetime(2026, 11, 22, 8, tzinfo=UTC)),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    assert read_moment(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "5", "2d3h", "-2d", "2026-13-01", "99999999w"])
def test_what_is_no_moment_is_one_sentence(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is no moment"):
        read_moment(text, NOW)
