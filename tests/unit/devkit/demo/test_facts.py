from __future__ import annotations

from dataclasses import replace

import pytest

from streamagents.devkit.demo.facts import Emitted, Forwarded, Lettered, Marked, facts_of
from streamagents.errors import StreamAgentsError
from streamagents.pipeline.mark import Status
from streamagents.ports import Position
from support.demo import CHANGELOG, INBOX, PLACES, Written, forward, letter, mark, result, sent

A = sent("a", offset=3)


def test_a_mark_tells_whose_it_is_and_how_it_stands() -> None:
    (fact,) = facts_of(mark(A, Status.WAITING, attempts=2), PLACES)

    assert isinstance(fact, Marked)
    assert (fact.topic, fact.id, fact.status, fact.attempts) == ("lead", A.id, Status.WAITING, 2)
    assert fact.error == "ValueError: no"
    assert fact.identity == A.identity


@pytest.mark.parametrize("key", [None, b"", b"k", b"\0\0\0", "ключ".encode()])
def test_the_events_key_makes_no_difference_to_its_identity(key: bytes | None) -> None:
    (fact,) = facts_of(mark(A, key=key), PLACES)

    assert isinstance(fact, Marked)
    assert fact.identity == A.identity


def test_a_letter_tells_the_place_of_its_original() -> None:
    (fact,) = facts_of(letter(A, attempts=3), PLACES)

    assert isinstance(fact, Lettered)
    assert (fact.origin, fact.topic, fact.attempts) == (Position("lead", 0, 3), "lead", 3)
    assert (fact.code, fact.reason) == ("failed", "no good")


def test_a_letter_is_the_original_only_if_nothing_of_it_changed() -> None:
    (fact,) = facts_of(letter(A), PLACES)

    assert isinstance(fact, Lettered)
    assert A.content.is_kept_in(fact.content)
    for change in ({"key": None}, {"value": b""}, {"headers": (("h", b"2"),)}):
        assert not replace(A.content, **change).is_kept_in(fact.content)


def test_a_forwarded_record_tells_both_places() -> None:
    via_inbox = sent("v", topic=INBOX, offset=5)

    assert facts_of(forward(via_inbox, offset=8), PLACES) == [
        Forwarded(origin=Position(INBOX, 0, 5), to=Position("lead", 0, 8))
    ]


def test_a_result_tells_what_it_answers() -> None:
    (fact,) = facts_of(result(A, 2), PLACES)

    assert isinstance(fact, Emitted)
    assert (fact.parent, fact.id, fact.type) == (A.id, f"{A.id}/emit-2", "scored")
    assert fact.data == {"tier": "hot", "score": 7}


@pytest.mark.parametrize(
    "record",
    [
        Written(topic="lead"),
        Written(topic="scored", headers=(("ce_id", b"somebody-elses"),)),
        Written(topic="scored", value=b"\xff", headers=(("ce_id", b"a/emit-1"),)),
        Written(topic=CHANGELOG, key=b"i\0lead", value=b"\x01"),
        Written(topic=CHANGELOG, key=None),
        Written(topic=CHANGELOG, key=mark(A).key, value=None),
        Written(topic=PLACES.letters[0]),
    ],
    ids=[
        "an event",
        "a result of others",
        "no JSON",
        "other state",
        "no key",
        "tombstone",
        "alien",
    ],
)
def test_other_records_say_nothing(record: Written) -> None:
    assert facts_of(record, PLACES) == []


def test_state_of_a_newer_version_is_refused() -> None:
    with pytest.raises(StreamAgentsError, match="newer"):
        facts_of(Written(topic=CHANGELOG, key=mark(A).key, value=b"\xfe"), PLACES)


def test_every_topic_is_read_once() -> None:
    assert len(PLACES.all) == len(set(PLACES.all)) == 6
