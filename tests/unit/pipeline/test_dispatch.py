"""The inbox: where a record of any type belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamagents.events import Event
from streamagents.pipeline.chain import Subscription, judge
from streamagents.pipeline.dispatch import dispatch
from streamagents.pipeline.outcome import DeadLetter, Forward, Incoming
from streamagents.testing.bus import MemoryRecord, murmur2_partition
from streamagents.topics import INBOX
from support.records import PARTITIONS, fallback, off_place, record, registration, subscription

if TYPE_CHECKING:
    from streamagents.pipeline.outcome import Skip


class Wide(Event, topic="wide", type="com.shop.wide", key="name", partitions=16):
    name: str | None = None


class WideAgent:
    async def run(self, event: Wide) -> None: ...


WIDE = Subscription(
    topic="wide",
    letters="wide.dlq",
    partitions=16,
    registration=registration(WideAgent(), "com.shop.wide"),
)
TYPED = {"order": subscription(), "com.shop.wide": WIDE}
CE = (("ce_id", b"c-1"), ("ce_type", b"order"))


def dispatched(source: MemoryRecord) -> Incoming | Skip | Forward | DeadLetter:
    return dispatch(source, subscription(fallback(), INBOX), TYPED, murmur2_partition)


def inbox(value: bytes | None, **more: object) -> MemoryRecord:
    return record(value, topic=INBOX, **more)  # type: ignore[arg-type] # keywords of record()


def forward(source: MemoryRecord) -> Forward:
    decision = dispatched(source)
    assert isinstance(decision, Forward), decision
    return decision


@pytest.mark.parametrize(
    "source",
    [
        inbox(b'{"customer":"ada"}', headers=CE),
        inbox(b'{"type":"order","data":{"customer":"ada"}}'),
        inbox(b'{"type":"order","customer":"ada"}'),
        inbox(
            b'{"type":"order","specversion":"1.0","data":{"customer":"ada"}}',
            headers=(("content-type", b"application/cloudevents+json"),),
        ),
    ],
    ids=["binary", "envelope", "bare", "structured"],
)
def test_a_known_type_goes_to_its_topic_under_its_own_key(source: MemoryRecord) -> None:
    decision = forward(source)

    assert (decision.topic, decision.key) == ("order", b"ada")
    assert decision.partition == murmur2_partition(b"ada", PARTITIONS)
    assert decision.headers == (*source.headers, ("streamagents-origin", f"{INBOX}:0:7".encode()))


def test_the_partition_is_one_of_the_target_topic() -> None:
    keys = [b"%d" % n for n in range(40)]
    found = {
        forward(inbox(b'{"type":"com.shop.wide","data":{"name":"%b"}}' % key)).partition
        for key in keys
    }

    assert found == {murmur2_partition(key, 16) for key in keys}


def test_a_type_is_matched_and_not_a_topic() -> None:
    assert isinstance(dispatched(inbox(b'{"type":"wide","data":{}}')), Incoming)


def test_what_arrives_runs_there_and_is_not_forwarded_again() -> None:
    source = inbox(b'{"type":"order","data":{}}', partition=3, offset=12)
    where = forward(source)
    arrived = record(
        source.value,
        partition=where.partition,
        offset=99,
        key=where.key,
        headers=where.headers,
    )
    decision = judge(arrived, TYPED["order"], murmur2_partition)

    assert isinstance(decision, Incoming)
    assert decision.id == f"{INBOX}:3:12"
    assert (decision.key, where.key, where.partition) == (None, None, 3)


def test_a_keyless_record_keeps_within_the_partitions_of_its_target() -> None:
    assert forward(inbox(b'{"type":"order","data":{}}', partition=9)).partition == 9 % PARTITIONS


def test_an_unknown_type_goes_to_the_fallback_agent() -> None:
    decision = dispatched(inbox(b'{"type":"complaint","data":{"text":"late"}}'))

    assert isinstance(decision, Incoming)
    assert decision.registration.name == "Anything"
    assert (decision.type, decision.payload) == ("complaint", {"text": "late"})


def test_bare_data_of_an_unknown_type_shows_its_type_to_the_fallback_agent() -> None:
    decision = dispatched(inbox(b'{"type":"complaint","text":"late"}'))

    assert isinstance(decision, Incoming)
    assert decision.type == "complaint"
    assert decision.payload == {"type": "complaint", "text": "late"}


def test_an_unknown_type_on_the_wrong_partition_is_brought_to_its_place_first() -> None:
    key = b"ada"
    decision = forward(inbox(b'{"type":"complaint"}', key=key, partition=off_place(key)))

    assert (decision.topic, decision.partition) == (INBOX, murmur2_partition(key, PARTITIONS))


@pytest.mark.parametrize(
    "value", [b"{}", b'{"type":""}', b'{"type":1}', b'{"type":null,"data":{}}', b"[]", b"1"]
)
def test_an_event_that_does_not_say_its_type_is_a_letter(value: bytes) -> None:
    decision = dispatched(inbox(value))

    assert isinstance(decision, DeadLetter)
    assert decision.code == "no_type"


def test_a_cloud_event_without_a_type_is_not_searched_for_one() -> None:
    decision = dispatched(inbox(b'{"type":"order"}', headers=(("ce_id", b"c-1"),)))

    assert isinstance(decision, DeadLetter)
    assert decision.code == "no_type"


@pytest.mark.parametrize(
    ("value", "code"), [(None, "tombstone"), (b"", "undecodable"), (b"{", "undecodable")]
)
def test_what_cannot_be_read_is_a_letter_of_the_inbox(value: bytes | None, code: str) -> None:
    decision = dispatched(inbox(value))

    assert isinstance(decision, DeadLetter)
    assert decision.code == code


@pytest.mark.parametrize("value", [b'{"amount":"many"}', b"{", b""])
def test_what_is_invalid_for_its_type_keeps_its_key_and_becomes_a_letter_there(
    value: bytes,
) -> None:
    decision = forward(inbox(value, headers=CE, key=b"k", partition=1))

    assert (decision.topic, decision.key) == ("order", b"k")
    assert decision.partition == murmur2_partition(b"k", PARTITIONS)


def test_what_is_invalid_and_has_no_key_keeps_its_partition() -> None:
    decision = forward(inbox(b'{"amount":"many"}', headers=CE, partition=2))

    assert (decision.key, decision.partition) == (None, 2)
