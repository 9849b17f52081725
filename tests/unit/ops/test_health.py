"""Health: what is said about a view, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from streamagents.ops.calls import LastPoll
from streamagents.ops.health import AWAY_S, LANE_S, judge, live, ready
from streamagents.ops.report import report
from streamagents.ops.view import Heard, Overdue, SourceView, View

NOW = 1000.0
STUCK_S = 30.0
SOURCE = SourceView(topic="lead", partition=0)
GONE = Heard(source="files/fairs", away="No such file", away_s=STUCK_S - 1)
WELL = View(at=NOW - 0.3, phase="running", recovered=True, sources=(SOURCE,))


def status(view: View, now: float = NOW) -> str:
    return judge(view, now=now, stuck_after_s=STUCK_S).status


def with_source(**fields: object) -> View:
    return replace(WELL, sources=(SOURCE, replace(SOURCE, partition=1, **fields)))  # type: ignore[arg-type] # each rule names its own


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (WELL, "ok"),
        (replace(WELL, sources=()), "ok"),  # standing by
        (replace(WELL, phase="starting", recovered=False), "starting"),
        (replace(WELL, recovered=False), "starting"),  # after a rebalance
        (replace(WELL, phase="stopping"), "stopping"),
        (replace(WELL, at=NOW - STUCK_S - 1), "stuck"),
        (replace(WELL, at=NOW - STUCK_S - 1, phase="stopping"), "stuck"),
        (replace(WELL, silent_s=STUCK_S + 1), "stuck"),
        (replace(WELL, silent_s=STUCK_S - 1), "ok"),
        (replace(WELL, phase="starting", recovered=False, silent_s=STUCK_S + 1), "stuck"),
        (replace(WELL, missing=("lead",)), "stuck"),
        (replace(WELL, overdue=(Overdue(agent="A", seconds=STUCK_S - 1),)), "ok"),
        (replace(WELL, overdue=(Overdue(agent="A", seconds=STUCK_S + 1),)), "stale"),
        (with_source(quiet_s=90_000.0), "ok"),  # a quiet night
        (with_source(quiet_s=STUCK_S + 1, in_flight=1), "stale"),
        (with_source(quiet_s=STUCK_S + 1, lag=1), "stale"),
        (with_source(quiet_s=STUCK_S - 1, in_flight=1, lag=1), "ok"),
        (with_source(quiet_s=STUCK_S + 1, in_flight=1, running=1), "ok"),  # it has a timeout
        (with_source(quiet_s=STUCK_S + 1, in_flight=1, barred=True), "ok"),  # others run
        (with_source(quiet_s=STUCK_S + 1, in_flight=1, held="its budget"), "ok"),
        (with_source(quiet_s=STUCK_S + 1, in_flight=1, asleep=1), "ok"),  # it backs off
        (with_source(quiet_s=STUCK_S + LANE_S + 1, in_flight=1, asleep=1), "stale"),
        (replace(WELL, parked={"A": 3}), "ok"),
        (replace(WELL, delayed={"lead": 3}), "ok"),
        (replace(WELL, circuit="it fails"), "ok"),
        (replace(WELL, heard=(Heard(source="bridge/old"),)), "ok"),
        (replace(WELL, heard=(GONE,)), "ok"),  # it may come back
        (replace(WELL, heard=(replace(GONE, away_s=STUCK_S + 1),)), "stuck"),
    ],
)
def test_a_view_is_judged(view: View, expected: str) -> None:
    assert status(view) == expected


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (replace(WELL, parked={"A": 1200}), "1,200 events are parked"),
        (replace(WELL, delayed={"lead": 3}), "3 events are delayed"),
        (replace(WELL, circuit="it fails"), "left alone for a while: it fails"),
        (with_source(held="today's budget is spent"), "today's budget is spent"),
        (replace(WELL, missing=("lead",)), "topics are gone: lead"),
        (
            replace(WELL, heard=(GONE, replace(GONE, source="files/b", away_s=90))),
            "files/b has been away for 90 s: No such file",
        ),
        (replace(WELL, silent_s=61.0), "no Kafka broker has answered for 61 s"),
        (replace(WELL, overdue=(Overdue(agent="A", seconds=45.0),)), "of A has outlived"),
        (with_source(quiet_s=99.0, lag=2), "lead, partition 1, and nothing has moved for 99 s"),
        (replace(WELL, phase="starting", waits_for="a broker is waited for"), "a broker"),
    ],
)
def test_the_reason_says_what_it_is_about(view: View, words: str) -> None:
    assert words in judge(view, now=NOW, stuck_after_s=STUCK_S).reason


def test_a_view_that_grows_old_makes_the_broker_silent_too() -> None:
    view = replace(WELL, silent_s=20.0)

    assert status(view, view.at + 9) == "ok"
    assert status(view, view.at + 11) == "stuck"


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (WELL, True),
        (replace(WELL, silent_s=1e6, missing=("lead",)), True),
        (replace(WELL, phase="starting", recovered=False), True),
        (replace(WELL, at=NOW - STUCK_S - 1), False),
    ],
)
def test_only_a_dead_loop_is_not_alive(view: View, expected: bool) -> None:  # noqa: FBT001
    assert (live(view, now=NOW, stuck_after_s=STUCK_S).status == "ok") is expected


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (WELL, True),
        (replace(WELL, sources=()), True),
        (with_source(quiet_s=STUCK_S + 1, in_flight=1), True),  # stale: others are no better off
        (replace(WELL, silent_s=AWAY_S + 1), False),
        (replace(WELL, recovered=False), False),
        (replace(WELL, phase="starting"), False),
        (replace(WELL, phase="stopping"), False),
        (replace(WELL, missing=("lead",)), False),
        (replace(WELL, heard=(Heard(source="files/b"),), sources=()), True),
        (replace(WELL, heard=(Heard(source="files/b"), GONE)), False),
    ],
)
def test_ready_is_who_can_take_events(view: View, expected: bool) -> None:  # noqa: FBT001
    assert (ready(view, now=NOW, stuck_after_s=STUCK_S).status in {"ok", "stale"}) is expected


def test_a_report_has_a_topics_partitions_and_its_sums() -> None:
    now = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
    view = replace(
        WELL,
        provider="anthropic",
        budget={"all": 0.5},
        sources=(
            replace(SOURCE, lag=3, in_flight=2, oldest_s=1.26),
            replace(SOURCE, partition=1, lag=4, in_flight=1, oldest_s=0.5),
        ),
    )
    said = report(
        judge(view, now=NOW, stuck_after_s=STUCK_S),
        view,
        now=now,
        last={"lead": (now - timedelta(seconds=90)).timestamp(), "inbox": 0.0},
        polls={"rival": LastPoll(now - timedelta(seconds=5), "failed", 3, "gone"), "feed": None},
        who={"app": "crm", "worker": "vps:7"},
    )

    assert (said["app"], said["worker"], said["status"]) == ("crm", "vps:7", "ok")
    assert said["dead_letters"] is None
    assert said["topics"]["lead"] == {
        "last_event_at": "2026-11-23T03:58:30.000+00:00",
        "age_s": 90.0,
        "lag": 7,
        "in_flight": 3,
        "oldest_unfinished_s": 1.3,
        "partitions": {
            "0": {"lag": 3, "in_flight": 2, "oldest_unfinished_s": 1.3},
            "1": {"lag": 4, "in_flight": 1, "oldest_unfinished_s": 0.5},
        },
    }
    assert said["topics"]["inbox"]["last_event_at"] is None
    assert said["monitors"]["rival"] == {
        "last_poll_at": "2026-11-23T03:59:55.000+00:00",
        "age_s": 5.0,
        "outcome": "failed",
        "failures": 3,
        "reason": "gone",
    }
    assert said["monitors"]["feed"]["last_poll_at"] is None
    assert (said["provider"], said["circuit"], said["budget"]) == (
        "anthropic",
        "closed",
        {"all": 0.5},
    )
