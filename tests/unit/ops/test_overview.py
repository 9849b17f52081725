"""The overview: what is said about a whole group, rule by rule."""

from __future__ import annotations

from typing import Any

import pytest

from streamagents.ops import overview
from streamagents.ops.overview import Seen, Waiting, WorkerSeen, judge_group

QUIET = {"lead": Waiting(partitions={0: 0})}
BUSY = {"lead": Waiting(partitions={0: 3, 1: 4})}


def worker(status: Seen, reason: str = "", *, member: str = "m", **said: Any) -> WorkerSeen:
    return WorkerSeen(
        worker="vps:7", member=member, status=status, reason=reason, said=said or {"status": status}
    )


def unheard(status: Seen, *, member: str = "m") -> WorkerSeen:
    return WorkerSeen(worker="vps:8", member=member, status=status, reason="no answer")


OK = worker("ok")


@pytest.mark.parametrize(
    ("workers", "waiting", "expected", "words"),
    [
        ([OK], QUIET, "ok", ""),
        ([OK, worker("ok", "3 events are parked")], BUSY, "ok", "3 events are parked"),
        ([], QUIET, "ok", "no worker runs, and nothing waits"),
        ([], BUSY, "stuck", "no worker runs; 7 events wait"),
        ([unheard("gone")], BUSY, "stuck", "no worker runs; 7 events wait"),
        ([OK, unheard("gone")], BUSY, "ok", "1 of 2 workers could not be asked"),
        ([OK, worker("stuck", "dead loop")], QUIET, "stuck", "worker vps:7: dead loop"),
        ([OK, worker("stale", "waits")], QUIET, "stale", "worker vps:7: waits"),
        ([worker("stale", "a"), worker("stuck", "b")], QUIET, "stuck", "worker vps:7: b"),
        ([OK, unheard("silent")], QUIET, "stuck", "worker vps:8: no answer"),
        ([unheard("silent"), unheard("silent")], BUSY, "stuck", "vps:8, and 1 more: no answer"),
        # Somebody else's process may be silent at our port.
        ([OK, unheard("silent", member="")], BUSY, "ok", ""),
        ([unheard("silent", member="")], BUSY, "stuck", "no worker runs"),
        # From here nobody can tell: it may be at work.
        ([unheard("out_of_reach")], BUSY, "ok", "1 of 1 workers could not be asked"),
        ([worker("starting", "recovers")], BUSY, "starting", "recovers"),
        ([worker("starting", "recovers", member="")], BUSY, "starting", "recovers"),
        ([worker("stopping", "ends")], BUSY, "stopping", "ends"),
        ([worker("starting", "recovers"), OK], BUSY, "ok", ""),
    ],
)
def test_a_group_is_judged(
    workers: list[WorkerSeen], waiting: dict[str, Waiting], expected: str, words: str
) -> None:
    verdict = judge_group(workers, waiting)

    assert verdict.status == expected
    assert words in verdict.reason
    assert bool(words) == bool(verdict.reason)


def test_a_topic_that_does_not_exist_is_named_before_anything_else() -> None:
    verdict = judge_group([OK], QUIET, ["lead"])

    assert verdict.serious
    assert "lead" in verdict.reason


def test_what_was_counted_is_told_instead_of_offsets() -> None:
    waiting = {"lead": Waiting(partitions={0: 9}, events=4)}

    assert judge_group([], waiting).reason == "no worker runs; 4 events wait"
    assert overview.as_topics([], waiting, None)["lead"]["waiting"] == 4


def topic(at: str | None, *, in_flight: int, oldest_s: float) -> dict[str, Any]:
    return {
        "last_event_at": at,
        "age_s": None if at is None else float(at[-1]),
        "in_flight": in_flight,
        "oldest_unfinished_s": oldest_s,
    }


def test_a_topic_is_what_kafka_and_all_workers_say() -> None:
    first = worker("ok", topics={"lead": topic("2026-5", in_flight=2, oldest_s=1.5)})
    second = worker("ok", topics={"lead": topic("2026-9", in_flight=3, oldest_s=0.5)})
    third = worker("ok", topics={"lead": topic(None, in_flight=0, oldest_s=0)})

    told = overview.as_topics([first, second, third], BUSY, {"lead": 6})["lead"]

    assert told == {
        "waiting": 7,
        "partitions": {"0": 3, "1": 4},
        "in_flight": 5,
        "last_event_at": "2026-9",
        "age_s": 9.0,
        "oldest_unfinished_s": 1.5,
        "dead_letters": 6,
    }


def test_what_nobody_tells_is_none_and_not_nothing() -> None:
    told = overview.as_topics([unheard("gone")], BUSY, None)["lead"]

    assert told["waiting"] == 7
    assert {name for name, value in told.items() if value is None} == {
        "in_flight",
        "last_event_at",
        "age_s",
        "oldest_unfinished_s",
        "dead_letters",
    }
    assert overview.summed([unheard("gone")], "parked") is None
    assert overview.least([], "budget") is None
    assert overview.one_of([], "provider", "") is None
    assert overview.letters_told([unheard("gone")]) is None


def test_numbers_of_workers_are_put_together() -> None:
    letters = {"lead": {"open": 3, "oldest_at": None}}
    workers = [
        worker("ok", parked={"A": 1}, budget={"all": 0.5}, circuit="closed", dead_letters=None),
        worker("ok", parked={"A": 2, "B": 1}, budget={"all": 0.2}, circuit="it fails"),
        worker("ok", parked={}, budget={}, circuit="closed", dead_letters=letters),
    ]

    assert overview.summed(workers, "parked") == {"A": 3, "B": 1}
    assert overview.least(workers, "budget") == {"all": 0.2}
    assert overview.one_of(workers, "circuit", "closed") == "it fails"
    assert overview.one_of(workers[:1], "circuit", "closed") == "closed"
    assert overview.letters_told(workers) == {"lead": 3}


def test_a_monitors_last_look_is_the_newest_of_all_workers() -> None:
    def polled(at: str | None) -> dict[str, Any]:
        return {"rival": {"last_poll_at": at, "failures": 1}}

    workers = [worker("ok", monitors=polled(at)) for at in ("2026-3", None, "2026-8", "2026-5")]

    assert overview.newest_polls(workers)["rival"]["last_poll_at"] == "2026-8"
    assert overview.newest_polls([worker("ok", monitors=polled(None))]) == {}
