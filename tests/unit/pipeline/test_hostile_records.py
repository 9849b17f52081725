"""Records made to harm: what a sender or a model can do to a worker ends as a letter."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from pydantic import field_validator

from streamagents.events import Event
from streamagents.pipeline.chain import judge
from streamagents.pipeline.deadletter import LetterFacts, letter
from streamagents.pipeline.identity import origin_of
from streamagents.pipeline.outcome import DeadLetter
from streamagents.testing.bus import murmur2_partition
from streamagents.topics import MAX_LETTER_BYTES, MAX_RECORD_BYTES
from support.records import record, registration, subscription


class Quitter(Event, topic="quitter"):
    name: str = ""

    @field_validator("name")
    @classmethod
    def _quit(cls, name: str) -> str:
        sys.exit(1)


class QuitterAgent:
    async def run(self, event: Quitter) -> None: ...


def test_a_validator_that_exits_is_the_events_fault() -> None:
    owner = subscription(registration(QuitterAgent(), "quitter"))
    decision = judge(record(b'{"name":"x"}', topic="quitter"), owner, murmur2_partition)

    assert isinstance(decision, DeadLetter)


def test_a_forged_origin_cannot_make_a_letter_too_large_to_be_written() -> None:
    """A letter cannot be refused: the partition would be lost for ever."""
    topic = b"x" * (MAX_RECORD_BYTES - 2000)
    source = record(b"{", headers=(("streamagents-origin", topic + b":0:1"),))
    facts = LetterFacts(
        origin=origin_of(source, source.headers)[0],
        key=None,
        agent="A",
        agent_version="1",
        group="shop",
        attempts=0,
        failed_at=datetime(2026, 3, 1, tzinfo=UTC),
        replay_count=0,
    )
    out = letter("order.dlq", source, DeadLetter("undecodable", "no JSON"), facts)
    size = len(out.value or b"") + sum(len(name) + len(value) for name, value in out.headers)

    assert size < MAX_LETTER_BYTES
