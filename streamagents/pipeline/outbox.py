"""The outbox: which channel an effect goes to. Everything else is as for any event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.events.envelope import header
from streamagents.pipeline.chain import judge
from streamagents.pipeline.outcome import DeadLetter, Skip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.pipeline.chain import Partitioner, Subscription
    from streamagents.pipeline.outcome import Forward, Incoming
    from streamagents.ports import Record

APP = "streamagents-app"
"""Header: the application that decided the effect, and that delivers it."""
TYPE_PREFIX = "streamagents.action."


def channel_of(record: Record) -> str:
    """The channel that a record of the outbox names; empty if it names none."""
    for name, value in record.headers:
        if name == "ce_type":
            return value.decode(errors="replace").removeprefix(TYPE_PREFIX)
    return ""


def judge_action(
    record: Record,
    channels: Mapping[str, Subscription],
    app_id: str,
    partition_of: Partitioner,
) -> Incoming | Skip | Forward | DeadLetter:
    """Decide about a record of the outbox.

    Args:
        record: the record.
        channels: the outbox by channel, each with its channel's registration.
        app_id: who we are: the topic is shared by all applications of a cluster.
        partition_of: Kafka's partitioner.
    """
    headers = tuple(record.headers)
    if header(headers, APP) != app_id.encode():
        return Skip("other_app")
    type_ = (header(headers, "ce_type") or b"").decode(errors="replace")
    channel = channels.get(type_.removeprefix(TYPE_PREFIX))
    if channel is None or not type_.startswith(TYPE_PREFIX):
        return DeadLetter(
            "unknown_channel",
            f"The application has no channel for {type_ or 'a record without a type'!r}: name it "
            "in create_app(..., channels=[...]) and replay this letter.",
        )
    return judge(record, channel, partition_of)
