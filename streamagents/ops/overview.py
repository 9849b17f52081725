"""The overview: a group at a glance, from what Kafka tells and what its workers say. Pure.

Kafka alone tells who is in the group and how much waits, also when nobody runs. Everything else
only the workers know: what nobody told is None, which is not nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence  # noqa: TC003 - dataclasses are read back in tests
from dataclasses import dataclass, field
from typing import Any, Literal

from streamagents.ops.health import Status, Verdict

Seen = Status | Literal["silent", "gone", "out_of_reach"]
"""What a worker says of itself, or how it did not answer."""
_LOUD: tuple[tuple[Seen, Status], ...] = (
    ("stuck", "stuck"),
    ("silent", "stuck"),
    ("stale", "stale"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSeen:
    """One worker."""

    worker: str
    """Its host and process, as it told."""
    member: str = ""
    """Its name in the group; empty for one that is not in it."""
    host: str = ""
    """Where the broker sees it."""
    address: str = ""
    """Of its pages."""
    status: Seen = "out_of_reach"
    reason: str = ""
    partitions: Mapping[str, Sequence[int]] = field(default_factory=dict)
    said: Mapping[str, Any] = field(default_factory=dict)
    """Its page `/health`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits on one topic, as Kafka tells it."""

    partitions: Mapping[int, int]
    """Offsets between the commit and the end, by partition."""
    events: int | None = None
    """How many events that are, where they were counted."""

    @property
    def offsets(self) -> int:
        """In all partitions; not all of them are events."""
        return sum(self.partitions.values())

    @property
    def known(self) -> int:
        """Events, or at most so many."""
        return self.offsets if self.events is None else self.events


def judge_group(
    workers: Sequence[WorkerSeen], waiting: Mapping[str, Waiting], missing: Sequence[str] = ()
) -> Verdict:
    """What is to be said about the whole group.

    Args:
        workers: all that were found.
        waiting: by topic.
        missing: topics that do not exist.
    """
    if missing:
        return Verdict(
            "stuck", f"topics do not exist: {', '.join(missing[:5])}; `streamagents topics apply`"
        )
    members = [one for one in workers if one.member or one.said]
    for seen, status in _LOUD:
        found = [one for one in members if one.status == seen]
        if found:
            more = f", and {len(found) - 1} more" if len(found) > 1 else ""
            return Verdict(status, f"worker {found[0].worker}{more}: {found[0].reason}")
    at_work = [one for one in members if is_at_work(one)]
    if not at_work:
        return _nobody(sum(one.known for one in waiting.values()))
    statuses = {one.status for one in at_work}
    if statuses <= {"starting", "stopping"}:
        return Verdict("starting" if "starting" in statuses else "stopping", at_work[0].reason)
    return Verdict("ok", "; ".join(_remarks(members)))


def is_at_work(worker: WorkerSeen) -> bool:
    """Whether it takes events, as far as anybody can tell: one out of reach may."""
    return bool(worker.member or worker.said) and worker.status not in {"gone", "silent"}


def _nobody(waiting: int) -> Verdict:
    if waiting:
        return Verdict("stuck", f"no worker runs; {waiting:,} events wait")
    return Verdict("ok", "no worker runs, and nothing waits")


def _remarks(members: Sequence[WorkerSeen]) -> list[str]:
    away = sum(one.status in {"gone", "out_of_reach"} for one in members)
    told = sorted({one.reason for one in members if one.status == "ok" and one.reason})[:5]
    return [*([f"{away} of {len(members)} workers could not be asked"] if away else []), *told]


def as_topics(
    workers: Sequence[WorkerSeen], waiting: Mapping[str, Waiting], letters: Mapping[str, int] | None
) -> dict[str, dict[str, Any]]:
    """By topic, what Kafka and all workers say."""
    return {topic: _topic(topic, workers, wait, letters) for topic, wait in waiting.items()}


def _topic(
    topic: str,
    workers: Sequence[WorkerSeen],
    waiting: Waiting,
    letters: Mapping[str, int] | None,
) -> dict[str, Any]:
    told = [one.said["topics"][topic] for one in workers if topic in one.said.get("topics", {})]
    lasts = [one for one in told if one.get("last_event_at")]
    last = max(lasts, key=lambda one: str(one["last_event_at"]), default=None)
    return {
        "waiting": waiting.known,
        "partitions": {str(number): lag for number, lag in waiting.partitions.items()},
        "in_flight": sum(one["in_flight"] for one in told) if told else None,
        "last_event_at": None if last is None else last["last_event_at"],
        "age_s": None if last is None else last["age_s"],
        "oldest_unfinished_s": max((one["oldest_unfinished_s"] for one in told), default=None),
        "dead_letters": None if letters is None else letters.get(topic, 0),
    }


def summed(workers: Sequence[WorkerSeen], name: str) -> dict[str, int] | None:
    """Numbers of all workers, added up by name; None where none told."""
    told = [one.said[name] for one in workers if name in one.said]
    total: Counter[str] = Counter()
    for one in told:
        total.update(one)
    return dict(total) if told else None


def least(workers: Sequence[WorkerSeen], name: str) -> dict[str, float] | None:
    """The smallest number of all workers, by name; None where none told."""
    told = [one.said[name] for one in workers if name in one.said]
    names = {name for one in told for name in one}
    return {n: min(one[n] for one in told if n in one) for n in sorted(names)} if told else None


def newest_polls(workers: Sequence[WorkerSeen]) -> dict[str, Mapping[str, Any]]:
    """By monitor, its last look, whichever worker took it."""
    polls: dict[str, Mapping[str, Any]] = {}
    for one in workers:
        for name, poll in one.said.get("monitors", {}).items():
            known = polls.get(name)
            if poll["last_poll_at"] and (
                known is None or known["last_poll_at"] < poll["last_poll_at"]
            ):
                polls[name] = poll
    return polls


def letters_told(workers: Sequence[WorkerSeen]) -> dict[str, int] | None:
    """By topic, open dead letters, as the leader counts them; None where it did not tell."""
    for one in workers:
        letters = one.said.get("dead_letters")
        if letters is not None:
            return {topic: found["open"] for topic, found in letters.items()}
    return None


def one_of(workers: Sequence[WorkerSeen], name: str, usual: str) -> str | None:
    """A word that all workers say, or those that differ from the usual one; None if none told."""
    told = sorted({str(one.said[name]) for one in workers if name in one.said})
    return "; ".join([word for word in told if word != usual] or told) if told else None
