"""Ticks: what the leader writes for a slot, and whom it wakes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from streamagents.agents.tick import Tick, tick_id
from streamagents.pipeline.outbox import APP
from streamagents.pipeline.outcome import DeadLetter, Forward, Incoming, Skip
from streamagents.pipeline.ticks import UNKNOWN_TICK, judge_tick, tick_record
from streamagents.runtime.ticking import register_tickings
from streamagents.testing.bus import murmur2_partition
from streamagents.topics import TICKS
from support.metronome import Metronome
from support.records import PARTITIONS, off_place, record, subscription

SLOT = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
BODY = b'{"name":"pulse","slot":"2026-03-29T01:00:00Z"}'
PLACE = murmur2_partition(b"pulse", PARTITIONS)
TICKING = {
    name: subscription(one)
    for name, one in register_tickings({"pulse": Metronome(), "slow": Metronome("slow")}).items()
}


def judged(
    value: bytes | None = BODY,
    *,
    key: bytes | None = b"pulse",
    app: bytes | None = b"shop",
    partition: int = PLACE,
) -> Incoming | Skip | Forward | DeadLetter:
    headers = [("ce_id", b"pulse:2026-03-29T01:00:00Z"), ("ce_source", b"streamagents/shop")]
    if app is not None:
        headers.append((APP, app))
    source = record(value, topic=TICKS, partition=partition, key=key, headers=tuple(headers))
    return judge_tick(source, TICKING, "shop", murmur2_partition)


def test_a_tick_is_a_cloud_event_keyed_by_its_name() -> None:
    out = tick_record(
        Tick(name="pulse", slot=SLOT),
        app_id="shop",
        topic="p.ticks",
        partition=3,
        now=SLOT + timedelta(milliseconds=250),
        traceparent=b"00-trace",
    )

    assert (out.topic, out.partition, out.key) == ("p.ticks", 3, b"pulse")
    assert json.loads(out.value or b"") == {"name": "pulse", "slot": "2026-03-29T01:00:00Z"}
    assert dict(out.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"pulse:2026-03-29T01:00:00Z",
        "ce_source": b"streamagents/shop",
        "ce_type": b"streamagents.ticks",
        "ce_time": b"2026-03-29T01:00:00.250000Z",
        "content-type": b"application/json",
        "traceparent": b"00-trace",
        "streamagents-app": b"shop",
    }


def test_one_moment_has_one_id_whatever_zone_it_is_written_in() -> None:
    berlin = SLOT.astimezone(timezone(timedelta(hours=2)))

    assert tick_id("pulse", berlin) == tick_id("pulse", SLOT) == "pulse:2026-03-29T01:00:00Z"


def test_a_tick_wakes_whom_its_key_names() -> None:
    decision = judged()

    assert isinstance(decision, Incoming)
    assert decision.payload == Tick(name="pulse", slot=SLOT)
    assert (decision.id, decision.key) == ("pulse:2026-03-29T01:00:00Z", b"pulse")
    assert decision.registration.name == "cron/pulse"
    assert decision.registration.source == "cron/pulse"


@pytest.mark.parametrize("app", [b"other", b"", b"sho", b"SHOP", None])
def test_a_tick_of_another_application_is_skipped_whatever_is_in_it(app: bytes | None) -> None:
    assert judged(app=app) == Skip("other_app")
    assert judged(None, key=b"\xff", app=app) == Skip("other_app")


@pytest.mark.parametrize("key", [b"gone", b"", None, b"\xff", b"PULSE"])
def test_a_tick_of_what_is_gone_is_skipped(key: bytes | None) -> None:
    assert judged(key=key) == Skip(UNKNOWN_TICK)


@pytest.mark.parametrize(
    ("value", "code"),
    [(None, "tombstone"), (b"{", "undecodable"), (b'{"name":"pulse"}', "invalid")],
)
def test_a_tick_that_cannot_be_read_is_a_letter(value: bytes | None, code: str) -> None:
    decision = judged(value)

    assert isinstance(decision, DeadLetter)
    assert decision.code == code


def test_a_tick_that_lies_elsewhere_is_forwarded() -> None:
    decision = judged(partition=off_place(b"pulse"))

    assert isinstance(decision, Forward)
    assert decision.partition == PLACE
