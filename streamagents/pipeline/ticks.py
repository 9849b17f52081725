"""Ticks: what the leader writes for a slot, and whom a tick wakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.agents.tick import Tick, tick_id
from streamagents.events import encode
from streamagents.events.envelope import header
from streamagents.pipeline.chain import judge
from streamagents.pipeline.outbox import APP
from streamagents.pipeline.outcome import Skip
from streamagents.ports import Outgoing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from streamagents.pipeline.chain import Partitioner, Subscription
    from streamagents.pipeline.outcome import DeadLetter, Forward, Incoming
    from streamagents.ports import Record

UNKNOWN_TICK = "unknown_tick"
"""Why a tick is skipped whose schedule or monitor is gone: nobody has to look at that."""


def judge_tick(
    record: Record,
    ticking: Mapping[str, Subscription],
    app_id: str,
    partition_of: Partitioner,
) -> Incoming | Skip | Forward | DeadLetter:
    """Decide about a record of the ticks' topic.

    Args:
        record: the record.
        ticking: the topic by name of what ticks, each with its registration.
        app_id: who we are: the topic is shared by all applications of a cluster.
        partition_of: Kafka's partitioner.
    """
    if header(tuple(record.headers), APP) != app_id.encode():
        return Skip("other_app")
    subscription = ticking.get((record.key or b"").decode(errors="replace"))
    if subscription is None:
        return Skip(UNKNOWN_TICK)
    return judge(record, subscription, partition_of)


def tick_record(
    tick: Tick, *, app_id: str, topic: str, partition: int, now: datetime, traceparent: bytes
) -> Outgoing:
    """A tick as the leader writes it: whoever leads, one slot has one id.

    Args:
        tick: what is written.
        app_id: whose it is.
        topic: the ticks' topic, as on the broker.
        partition: where its name belongs.
        now: the moment of writing.
        traceparent: of the trace that begins with it.
    """
    value, headers = encode(
        tick.model_dump_json().encode(),
        id=tick_id(tick.name, tick.slot),
        source=f"streamagents/{app_id}",
        type=Tick.event_type.type,
        time=now,
        traceparent=traceparent,
    )
    return Outgoing(
        topic=topic,
        partition=partition,
        key=tick.name.encode(),
        value=value,
        headers=(*headers, (APP, app_id.encode())),
    )
