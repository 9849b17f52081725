"""What a process shows that listens to folders or queues: its numbers, and its report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamagents.ops.gauges import loop_lag
from streamagents.ops.series import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client.core import Metric

    from streamagents.ops.health import Verdict
    from streamagents.ops.view import Heard, View


class HeardMetrics:
    """A collector of what became of what was heard.

    Args:
        view: the newest.
    """

    def __init__(self, view: Callable[[], View]) -> None:
        self._view = view

    def collect(self) -> Iterable[Metric]:
        """All of it, as it is now."""
        view, labels = self._view(), ("source", "outcome")
        yield gauge(
            "source_reachable",
            "1: this folder or queue can be read.",
            ("source",),
            {(one.source,): float(not one.away) for one in view.heard},
        )
        yield counter(
            "source_events",
            "What became of the rows of files, and of messages of queues.",
            labels,
            {(one.source, word): count for one in view.heard for word, count in one.events.items()},
        )
        yield counter(
            "source_files",
            "What became of files.",
            labels,
            {(one.source, word): count for one in view.heard for word, count in one.files.items()},
        )
        yield loop_lag(view)


def ear_report(verdict: Verdict, view: View, *, now: float, whose: str) -> dict[str, Any]:
    """All that `/health` says.

    Args:
        verdict: about the view.
        view: the newest.
        now: monotonic seconds.
        whose: the application.
    """
    return {
        "app": whose,
        "status": verdict.status,
        "reason": verdict.reason,
        "broker_silent_s": round(max(0.0, view.silent_s + now - view.at), 1),
        "sources": {one.source: _heard(one) for one in view.heard},
    }


def _heard(one: Heard) -> dict[str, Any]:
    told: dict[str, Any] = {"reachable": not one.away, "reason": one.away}
    told["away_s"] = round(one.away_s, 1)
    told["events"] = dict(one.events)
    return {**told, "files": dict(one.files)} if one.files else told
