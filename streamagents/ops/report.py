"""The report: a view and what is said about it, as JSON for `/health`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.ops.calls import LastPoll
    from streamagents.ops.health import Verdict
    from streamagents.ops.view import SourceView, View


def report(
    verdict: Verdict,
    view: View,
    *,
    now: datetime,
    last: Mapping[str, float],
    polls: Mapping[str, LastPoll | None],
    who: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """All that `/health` says.

    Args:
        verdict: about the view.
        view: the newest.
        now: the time.
        last: by topic, when an event ended last; 0 is never.
        polls: by monitor, its last look.
        who: the application, and which of its processes this is.
    """
    return {
        **(who or {}),
        "status": verdict.status,
        "reason": verdict.reason,
        "topics": {topic: _topic(topic, at, view, now) for topic, at in last.items()},
        "monitors": {name: _poll(poll, now) for name, poll in polls.items()},
        "provider": view.provider,
        "circuit": view.circuit or "closed",
        "budget": {scope: round(ratio, 4) for scope, ratio in view.budget.items()},
        "parked": dict(view.parked),
        "delayed": dict(view.delayed),
        "dead_letters": None if view.letters is None else _letters(view.letters),
    }


def _letters(letters: Mapping[str, tuple[int, float]]) -> dict[str, Any]:
    return {
        topic: {
            "open": count,
            "oldest_at": _iso(datetime.fromtimestamp(at, UTC)) if at else None,
        }
        for topic, (count, at) in letters.items()
    }


def _topic(topic: str, at: float, view: View, now: datetime) -> dict[str, Any]:
    sources = [source for source in view.sources if source.topic == topic]
    last = datetime.fromtimestamp(at, UTC) if at else None
    return {
        "last_event_at": None if last is None else _iso(last),
        "age_s": None if last is None else _age_s(last, now),
        **_sum(sources),
        "partitions": {str(source.partition): _sum([source]) for source in sources},
    }


def _sum(sources: list[SourceView]) -> dict[str, Any]:
    return {
        "lag": sum(source.lag for source in sources),
        "in_flight": sum(source.in_flight for source in sources),
        "oldest_unfinished_s": round(max((s.oldest_s for s in sources), default=0.0), 1),
    }


def _poll(poll: LastPoll | None, now: datetime) -> dict[str, Any]:
    if poll is None:
        return {
            "last_poll_at": None,
            "age_s": None,
            "outcome": None,
            "failures": 0,
            "reason": "",
        }
    return {
        "last_poll_at": _iso(poll.at),
        "age_s": _age_s(poll.at, now),
        "outcome": poll.outcome,
        "failures": poll.failures,
        "reason": poll.reason,
    }


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def _age_s(at: datetime, now: datetime) -> float:
    return round(max(0.0, (now - at).total_seconds()), 1)
