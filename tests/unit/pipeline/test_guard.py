"""The guard: a record on the wrong partition is brought to where its duplicates would lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamagents.pipeline.chain import judge
from streamagents.pipeline.outcome import DeadLetter, Forward, Incoming
from streamagents.ports import Position
from streamagents.testing.bus import MemoryRecord, murmur2_partition
from support.records import PARTITIONS, off_place, record, subscription

if TYPE_CHECKING:
    from streamagents.pipeline.outcome import Skip

VALUE = b'{"customer":"ada"}'
AWAY = off_place(b"ada")


def judged(source: MemoryRecord) -> Incoming | Skip | Forward | DeadLetter:
    return judge(source, subscription(), murmur2_partition)


def moved(source: MemoryRecord, where: Forward, offset: int = 50) -> MemoryRecord:
    """The record as the forward writes it."""
    return MemoryRecord(
        topic=where.topic,
        partition=where.partition,
        offset=offset,
        key=where.key,
        value=source.value,
        headers=where.headers,
        timestamp=source.timestamp,
    )


def test_a_record_in_its_place_runs() -> None:
    home = murmur2_partition(b"ada", PARTITIONS)

    assert isinstance(judged(record(VALUE, partition=home)), Incoming)


def test_a_record_on_the_wrong_partition_is_forwarded_with_the_right_key() -> None:
    source = record(VALUE, partition=AWAY, key=b"other", headers=(("a", b"1"), ("a", b"\xff")))

    assert judged(source) == Forward(
        topic="order",
        partition=murmur2_partition(b"ada", PARTITIONS),
        key=b"ada",
        headers=(
            ("a", b"1"),
            ("a", b"\xff"),
            ("streamagents-origin", b"order:%d:7" % AWAY),
            ("streamagents-origin-key", b"other"),
        ),
    )


@pytest.mark.parametrize(("key", "kept"), [(None, None), (b"", b"")])
def test_only_a_record_with_a_key_tells_its_origin_key(
    key: bytes | None, kept: bytes | None
) -> None:
    decision = judged(record(VALUE, partition=AWAY, key=key))

    assert isinstance(decision, Forward)
    assert dict(decision.headers).get("streamagents-origin-key") == kept


def test_the_wrong_key_on_the_right_partition_runs_as_it_is() -> None:
    home = murmur2_partition(b"ada", PARTITIONS)
    decision = judged(record(VALUE, partition=home, key=b"other"))

    assert isinstance(decision, Incoming)
    assert (decision.key, decision.origin_key) == (b"ada", b"other")


@given(partition=st.integers(0, PARTITIONS - 1), customer=st.text(min_size=1, max_size=5))
def test_a_record_is_forwarded_at_most_once(partition: int, customer: str) -> None:
    data = b'{"customer":"%b"}' % customer.encode().hex().encode()
    source = record(data, partition=partition)
    decision = judged(source)
    if isinstance(decision, Forward):
        decision = judged(moved(source, decision))

    assert isinstance(decision, Incoming)
    assert decision.origin == Position("order", partition, 7)


def test_an_origin_stops_the_guard_wherever_the_record_lies() -> None:
    source = record(VALUE, partition=AWAY, headers=(("streamagents-origin", b"inbox:1:3"),))
    decision = judged(source)

    assert isinstance(decision, Incoming)
    assert decision.origin == Position("inbox", 1, 3)


@pytest.mark.parametrize("raw", [b"", b"order", b"order:x:1", b"order:1:-1", b"1:2", b"\xff"])
def test_a_header_that_names_no_origin_is_none(raw: bytes) -> None:
    decision = judged(record(VALUE, partition=AWAY, headers=(("streamagents-origin", raw),)))

    assert isinstance(decision, Forward)
    assert decision.headers[-1] == ("streamagents-origin", b"order:%d:7" % AWAY)


def test_the_origin_of_a_topic_with_colons_is_its_last_two_numbers() -> None:
    headers = (("streamagents-origin", b"a:b:1:2"), ("streamagents-origin-key", b"old"))
    decision = judged(record(VALUE, headers=headers))

    assert isinstance(decision, Incoming)
    assert (decision.origin, decision.origin_key) == (
        Position("a:b", 1, 2),
        b"old",
    )


def test_a_record_named_by_its_place_is_never_forwarded() -> None:
    for partition in range(PARTITIONS):
        decision = judged(record(b"{}", partition=partition))

        assert isinstance(decision, Incoming)
        assert decision.key is None


def test_a_position_id_survives_the_forward() -> None:
    source = record(b'{"customer":"ada"}', partition=AWAY)
    decision = judged(source)
    assert isinstance(decision, Forward)
    after = judged(moved(source, decision))

    assert isinstance(after, Incoming)
    assert after.id == f"order:{AWAY}:7"


def test_an_event_with_an_id_and_no_key_goes_where_its_duplicates_go() -> None:
    decision = judged(record(b'{"id":"i-1"}', partition=off_place(b"i-1")))

    assert isinstance(decision, Forward)
    assert (decision.key, decision.partition) == (b"i-1", murmur2_partition(b"i-1", PARTITIONS))


def test_what_cannot_be_read_is_never_forwarded() -> None:
    for value in (None, b"{", b'{"customer":"ada","amount":"x"}'):
        assert isinstance(judged(record(value, partition=AWAY, key=b"ada")), DeadLetter)
