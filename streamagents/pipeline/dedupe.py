"""Deduplication: an event that finished does not run again, unless a person sends it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.events.envelope import header
from streamagents.pipeline.identity import digest
from streamagents.pipeline.mark import Status
from streamagents.pipeline.outcome import Duplicate

if TYPE_CHECKING:
    from streamagents.events import Headers
    from streamagents.pipeline.mark import Mark

REPLAY_COUNT = "streamagents-replay-count"


def duplicate(mark: Mark | None, value: bytes | None, replay: int) -> Duplicate | None:
    """Decide by the event's mark whether it ran before; None: it may run.

    A replayed letter passes only if its event was dead-lettered one generation earlier, or if the
    mark has expired: the second of two replays is a duplicate.
    """
    if mark is None or not mark.finished:
        return None
    if mark.status is Status.DEAD_LETTERED and replay and mark.replay == replay - 1:
        return None
    return Duplicate(conflict=mark.digest != digest(value))


def replay_count(headers: Headers) -> int:
    """Which replay of its letter a record is; 0 for none."""
    raw = header(headers, REPLAY_COUNT) or b""
    return min(int(raw[:6]), 0xFFFF) if raw.isdigit() else 0
