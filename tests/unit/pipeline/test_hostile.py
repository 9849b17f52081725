"""Hostile and odd input: whatever a sender writes or a user raises, the worker goes on."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from itertools import count
from typing import TYPE_CHECKING

import pytest
from pydantic import field_validator

from streamagents.agents import Route
from streamagents.errors import Reject, describe
from streamagents.events import Event
from streamagents.pipeline.chain import judge
from streamagents.pipeline.deadletter import LetterFacts, letter
from streamagents.pipeline.dedupe import replay_count
from streamagents.pipeline.identity import origin_of, seen_key
from streamagents.pipeline.mark import History, Mark, Status
from streamagents.pipeline.outcome import DeadLetter
from streamagents.pipeline.retry import after_failure
from streamagents.testing.bus import murmur2_partition
from support.records import PARTITIONS, Scripted, record, registration, subscription

if TYPE_CHECKING:
    from streamagents.pipeline.outcome import Forward, Incoming, Skip
    from streamagents.testing.bus import MemoryRecord


class MuteError(Exception):
    def __str__(self) -> str:
        raise LookupError("no text")


class Odd(Event, topic="odd", key="name"):
    name: str = ""
    id: str = ""

    @field_validator("id")
    @classmethod
    def _half_a_character(cls, id_: str) -> str:
        return id_ + "\ud83d"

    @field_validator("name")
    @classmethod
    def _mute(cls, name: str) -> str:
        if name == "mute":
            raise MuteError
        return name


class OddAgent:
    async def run(self, event: Odd) -> None: ...


def judged(source: MemoryRecord) -> Incoming | Skip | Forward | DeadLetter:
    return judge(source, subscription(), murmur2_partition)


def judged_odd(value: bytes) -> Incoming | Skip | Forward | DeadLetter:
    owner = subscription(registration(OddAgent(), "odd"))
    return judge(record(value, topic="odd"), owner, murmur2_partition)


@pytest.mark.parametrize("raw", ["order:²:1".encode(), b"order:0:" + b"1" * 5000])
def test_a_forged_origin_does_not_stop_the_worker(raw: bytes) -> None:
    assert judged(record(headers=(("streamagents-origin", raw),)))


def test_a_forged_origin_of_an_undecodable_record_does_not_stop_the_worker() -> None:
    headers = (("streamagents-origin", "order:²:1".encode()),)

    assert origin_of(record(b"{", headers=headers), headers)


def test_a_forged_replay_count_does_not_stop_the_worker() -> None:
    assert replay_count((("streamagents-replay-count", b"9" * 5000),)) == 65_535


@pytest.mark.parametrize("timestamp", [1_767_225_600_000_000, 2**63 - 1])
def test_a_timestamp_beyond_all_calendars_does_not_stop_the_worker(timestamp: int) -> None:
    assert judged(record(timestamp=timestamp))


def test_an_id_that_is_no_utf8_is_the_events_fault() -> None:
    assert isinstance(judged_odd(b'{"name":"ada","id":"x"}'), DeadLetter)


def test_a_validators_error_without_a_text_is_the_events_fault() -> None:
    assert isinstance(judged_odd(b'{"name":"mute"}'), DeadLetter)


def test_an_agents_error_without_a_text_can_be_described() -> None:
    assert describe(MuteError()).startswith("MuteError")


def test_a_nul_cannot_make_two_events_one() -> None:
    assert seen_key("t", "shop\0a", "b", b"k") != seen_key("t", "shop", "a\0b", b"k")


def test_a_short_id_cannot_be_the_digest_of_a_long_one() -> None:
    """Found in about 10,000 tries: sixteen bytes that are UTF-8."""
    for number in count():
        long = f"{number:x}".rjust(200, "x")
        try:
            short = blake2b(b"\0" + long.encode(), digest_size=16).digest().decode()
        except UnicodeDecodeError:
            continue
        break

    assert seen_key("t", "", long, b"k") != seen_key("t", "", short, b"k")


def test_a_mark_takes_an_error_with_a_lone_surrogate() -> None:
    history = History(error=describe(ValueError("half an emoji: \ud83d")))

    assert Mark(status=Status.WAITING, at=1, history=history).encode()


@pytest.mark.parametrize("reason", [ValueError("no stock"), None, 404, {"code": 1}])
def test_a_reason_that_is_no_text_makes_a_letter(reason: object) -> None:
    error = Reject(reason)  # type: ignore[arg-type] # what users do: raise Reject(exc)
    why = after_failure(error, 1, Route(Scripted()), lambda low, high: high)
    assert isinstance(why, DeadLetter)

    assert letter("order.dlq", record(), why, facts())


def test_a_forged_origin_cannot_name_a_partition_that_does_not_exist() -> None:
    headers = (("streamagents-origin", b"order:99:1"),)
    source = record(b"{", headers=headers)
    outgoing = letter("order.dlq", source, DeadLetter("c", "r"), facts(source))

    assert outgoing.partition is not None
    assert outgoing.partition < PARTITIONS


def facts(source: MemoryRecord | None = None) -> LetterFacts:
    source = source or record()
    return LetterFacts(
        origin=origin_of(source, source.headers)[0],
        key=None,
        agent="A",
        agent_version="1",
        group="shop",
        attempts=1,
        failed_at=datetime(2026, 3, 1, tzinfo=UTC),
        replay_count=0,
    )
