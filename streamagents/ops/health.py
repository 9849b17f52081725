"""Health: from a view to what is to be said about it. Nothing here looks at a clock or the world.

`stuck` means that the process cannot work, `stale` that work waits and nothing moves. A quiet night
is neither; what waits on purpose (parked, delayed, held back) is `ok`, with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamagents.ops.view import SourceView, View

Status = Literal["ok", "stale", "stuck", "starting", "stopping"]

AWAY_S = 15.0
"""A broker that has not answered for so long is away: its next answer is due after 3 to 10 s."""
LANE_S = 30.0
"""What an event may wait in its lane for a retry."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said."""

    status: Status
    reason: str = ""

    @property
    def serious(self) -> bool:
        """Whether somebody has to look."""
        return self.status in {"stuck", "stale"}


def judge(view: View, *, now: float, stuck_after_s: float) -> Verdict:
    """What is to be said about the whole.

    Args:
        view: the newest.
        now: monotonic seconds.
        stuck_after_s: the setting.
    """
    old_s = now - view.at
    silent_s = view.silent_s + old_s
    if old_s > stuck_after_s:
        return Verdict("stuck", f"the event loop has not turned for {old_s:.0f} s")
    if view.phase == "stopping":
        return Verdict("stopping", "events under way are brought to an end")
    if silent_s > stuck_after_s:
        return Verdict("stuck", f"no Kafka broker has answered for {silent_s:.0f} s")
    if view.missing:
        names = ", ".join(view.missing[:5])
        return Verdict("stuck", f"topics are gone: {names}; see `streamagents topics apply`")
    if view.phase == "starting" or not view.recovered:
        return Verdict("starting", view.waits_for or "the state is being recovered")
    found = _of_heard(view, stuck_after_s) or _of_work(view, stuck_after_s)
    return found or Verdict("ok", "; ".join(_on_purpose(view)))


def live(view: View, *, now: float, stuck_after_s: float) -> Verdict:
    """Whether the process lives: its event loop turns."""
    old_s = now - view.at
    if old_s > stuck_after_s:
        return Verdict("stuck", f"the event loop has not turned for {old_s:.0f} s")
    return Verdict("ok")


def ready(view: View, *, now: float, stuck_after_s: float) -> Verdict:
    """Whether it can take events: recovered, a broker in reach, partitions or standing by.

    A process that listens to folders and queues has to reach all of them.
    """
    whole = judge(view, now=now, stuck_after_s=stuck_after_s)
    if whole.status in {"stuck", "starting", "stopping"}:
        return whole
    silent_s = view.silent_s + now - view.at
    if silent_s > AWAY_S:
        return Verdict("starting", f"no Kafka broker has answered for {silent_s:.0f} s")
    away = next((one for one in view.heard if one.away), None)
    if away is not None:
        return Verdict("starting", f"{away.source} is away: {away.away}")
    here = view.sources or view.heard
    return Verdict("ok", "" if here else "standing by: no partition is ours")


def _of_heard(view: View, stuck_after_s: float) -> Verdict | None:
    away = [one for one in view.heard if one.away and one.away_s > stuck_after_s]
    if not away:
        return None
    worst = max(away, key=lambda one: one.away_s)
    return Verdict("stuck", f"{worst.source} has been away for {worst.away_s:.0f} s: {worst.away}")


def _of_work(view: View, stuck_after_s: float) -> Verdict | None:
    late = [one for one in view.overdue if one.seconds > stuck_after_s]
    if late:
        worst = max(late, key=lambda one: one.seconds)
        return Verdict(
            "stale", f"a handler of {worst.agent} has outlived its timeout by {worst.seconds:.0f} s"
        )
    for source in view.sources:
        if stands_still(source, stuck_after_s):
            return Verdict(
                "stale",
                f"events wait on {source.topic}, partition {source.partition}, and nothing has "
                f"moved for {source.quiet_s:.0f} s",
            )
    return None


def stands_still(source: SourceView, stuck_after_s: float) -> bool:
    """Whether work that could run waits there, and nothing moves."""
    waits = source.in_flight > 0 or source.lag > 0
    if not waits or source.held or source.running or source.barred:
        return False  # a handler that runs has a timeout of its own
    return source.quiet_s > stuck_after_s + (LANE_S if source.asleep else 0.0)


def _on_purpose(view: View) -> Iterator[str]:
    """What waits, and should."""
    yield from sorted({source.held for source in view.sources if source.held})[:5]
    if view.circuit:
        yield f"the model's provider is left alone for a while: {view.circuit}"
    for what, counts in (("parked", view.parked), ("delayed", view.delayed)):
        total = sum(counts.values())
        if total:
            yield f"{total:,} events are {what}"
