"""Reports: what observers are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.ports import Report

if TYPE_CHECKING:
    from streamagents.pipeline.outcome import Incoming


def report_of(
    outcome: str,
    incoming: Incoming,
    attempt: int = 0,
    seconds: float = 0.0,
    *,
    code: str = "",
    detail: str = "",
    replay: int = 0,
) -> Report:
    """A report of what happened to an event."""
    record = incoming.record
    return Report(
        outcome,
        record.topic,
        record.partition,
        record.offset,
        incoming.id,
        incoming.registration.name,
        attempt,
        code,
        detail,
        seconds,
        1,
        record.timestamp,
        replay,
    )
