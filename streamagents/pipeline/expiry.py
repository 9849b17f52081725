"""Expiry: how long the state remembers an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamagents.agents.context import MAX_DELAY_S
from streamagents.pipeline.mark import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.pipeline.mark import Mark

UNLIMITED = float("inf")


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long the marks of one topic live, in seconds from the moment of the mark."""

    done_s: float
    letter_s: float
    """Of an event that became a letter, or never finished: as long as its letter may be there."""


def lifetime(ttl_s: float, topic: Mapping[str, str], letters: Mapping[str, str]) -> Lifetime:
    """The lifetime of a topic's marks: never below the retention of what they stand for.

    Kafka keeps a record for longer, until its whole segment is too old; such a one comes again only
    to a group that has lost its offsets, and the sweep waits until that has been read.

    Args:
        ttl_s: the setting.
        topic: the topic's configuration as the broker has it.
        letters: that of its dead letters.
    """
    done_s = max(ttl_s, retention_s(topic))
    return Lifetime(done_s, max(done_s, retention_s(letters)))


def retention_s(config: Mapping[str, str]) -> float:
    """For how long a topic keeps its records; for ever where it is compacted or says so."""
    try:
        retention_ms = int(config.get("retention.ms", "-1"))
    except ValueError:
        return UNLIMITED
    if retention_ms < 0 or "delete" not in config.get("cleanup.policy", "delete"):
        return UNLIMITED
    return retention_ms / 1000


def expired(mark: Mark, life: Lifetime, now_s: float) -> bool:
    """Whether a mark may be forgotten. What waits in the state lives as long as it may wait."""
    life_s = life.done_s if mark.status is Status.DONE else life.letter_s
    if mark.history.parked:
        life_s += MAX_DELAY_S
    return mark.at + life_s < now_s
