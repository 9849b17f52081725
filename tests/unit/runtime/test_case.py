"""A case: what is known of an event's past, from its mark and its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.errors import RetryLater
from streamagents.pipeline.chain import read
from streamagents.pipeline.crashes import Company
from streamagents.pipeline.mark import History, Mark, Status
from streamagents.pipeline.stored import decode_record, encode_record
from streamagents.runtime.case import open_case
from streamagents.runtime.intent import Intent
from support.records import record, registration, subscription

if TYPE_CHECKING:
    from streamagents.runtime.case import Case

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOURCE = record(b'{"customer":"ada"}', offset=50)
DEAD = Intent(process="p0", high=100).inherited_by("p2")
LONG_AGO = Intent(process="p2", careful=100, presumed_above=100, suspect="p0")


def opened(
    known: Mark | None = None,
    intent: Intent | None = None,
    *,
    replay: int = 0,
    marked: bool = False,
    waited: bool = False,
) -> Case:
    owner = replace(registration(), marked=marked)
    source: Any = SOURCE
    if waited:
        source = decode_record(b"p\0", encode_record(SOURCE, 5))
    return open_case(
        read(source, owner, topic="order"),
        subscription(owner),
        intent or Intent(),
        known,
        replay=replay,
        process="p2",
    )


def mark(status: Status, *, attempts: int = 0, **history: Any) -> Mark:
    return Mark(status=status, at=1, attempts=attempts, history=History(**history))


def test_an_event_without_a_past_needs_no_care() -> None:
    case = opened()

    assert (case.careful, case.attempts, case.replay) == (False, 0, 0)
    assert (case.history, case.has_steps, case.marked) == (History(), False, False)


@pytest.mark.parametrize(
    ("more", "careful"),
    [
        ({}, False),
        ({"marked": True}, True),
        ({"waited": True}, True),
        ({"intent": DEAD}, True),
        ({"intent": LONG_AGO}, True),
        ({"intent": Intent(process="p2", careful=49)}, False),
        ({"intent": Intent(process="p2", careful=50)}, True),
        ({"replay": 1}, False),
        ({"known": mark(Status.WAITING, attempts=1)}, False),
        ({"known": mark(Status.RELEASED)}, False),
        ({"known": mark(Status.RELEASED, deaths=("p0",))}, True),
        ({"known": mark(Status.RUNNING, owner="p1")}, True),
        ({"known": mark(Status.RUNNING, owner="p2")}, False),
    ],
)
def test_a_mark_comes_before_the_run_where_it_must(more: Any, careful: bool) -> None:  # noqa: FBT001 - a case
    assert opened(**more).careful is careful


@pytest.mark.parametrize(
    ("known", "intent", "deaths", "alone"),
    [
        (None, None, (), ()),
        (None, DEAD, ("p0",), ()),
        (None, LONG_AGO, (), ()),
        (mark(Status.RUNNING, owner="p1"), None, ("p1",), ()),
        (mark(Status.RUNNING, owner="p1"), DEAD, ("p1",), ()),
        (mark(Status.RUNNING, owner="p1", alone=True), None, ("p1",), ("p1",)),
        (
            mark(Status.RUNNING, owner="p1", deaths=("p0",), deaths_alone=("p0",)),
            None,
            ("p0", "p1"),
            ("p0",),
        ),
        (mark(Status.RUNNING, owner="p1", deaths=("p1",)), None, ("p1",), ()),
        (mark(Status.RUNNING, owner="p2", deaths=("p0",)), None, ("p0",), ()),
        (mark(Status.RELEASED, owner="p1", deaths=("p0",)), None, ("p0",), ()),
        (mark(Status.WAITING, owner="p1"), None, (), ()),
        (mark(Status.WAITING, owner="p1"), DEAD, ("p0",), ()),
    ],
)
def test_a_death_is_counted_where_the_event_may_have_been_in_it(
    known: Mark | None, intent: Intent | None, deaths: tuple[str, ...], alone: tuple[str, ...]
) -> None:
    history = opened(known, intent).history

    assert (history.deaths, history.deaths_alone) == (deaths, alone)


@pytest.mark.parametrize("status", [Status.RUNNING, Status.RELEASED, Status.WAITING])
def test_who_meets_its_own_death_was_frozen_and_forgets_it(status: Status) -> None:
    """Its successor could not know; an innocent event must not be convicted by freezes."""
    deaths = ("p0", "p2", "p1")
    known = mark(status, owner="p1", deaths=deaths, deaths_alone=("p2", "p1"))

    history = opened(known, None).history

    assert (history.deaths, history.deaths_alone) == (("p0", "p1"), ("p1",))


def test_who_is_presumed_dead_by_its_successor_and_comes_back_presumes_nothing() -> None:
    ours = Intent(process="p2", high=100).inherited_by("p3")
    given_back = replace(ours, high=-1).inherited_by("p2")

    history = opened(None, given_back).history

    assert (history.deaths, history.interrupted) == ((), True)


@pytest.mark.parametrize("known", [None, mark(Status.WAITING), mark(Status.RELEASED)])
def test_of_what_is_marked_before_each_run_no_death_is_presumed(known: Mark | None) -> None:
    """Had it run when its process died, its mark would say so."""
    case = opened(known, DEAD, marked=True)

    assert (case.careful, case.history.deaths, case.history.interrupted) == (True, (), False)


def test_what_is_marked_before_each_run_was_in_a_death_if_its_mark_says_so() -> None:
    case = opened(mark(Status.RUNNING, owner="p1"), DEAD, marked=True)

    assert (case.history.deaths, case.history.interrupted) == (("p1",), True)


@pytest.mark.parametrize("status", [Status.RUNNING, Status.RELEASED, Status.WAITING])
def test_failures_are_taken_over(status: Status) -> None:
    known = mark(status, attempts=2, owner="p2", error="ValueError: no", first_failed_at=7.0)
    case = opened(known)

    assert (case.attempts, case.history.error) == (2, "ValueError: no")
    assert case.history.first_failed_at == 7.0


@pytest.mark.parametrize("status", [Status.DONE, Status.DEAD_LETTERED])
def test_a_replay_begins_anew_but_for_its_steps(status: Status) -> None:
    case = opened(mark(status, attempts=3, deaths=("p0",), interrupted=True), replay=1)

    assert (case.attempts, case.history, case.replay) == (0, History(), 1)
    assert case.has_steps


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, False),
        ({"known": mark(Status.WAITING, steps=True)}, True),
        ({"known": mark(Status.RELEASED, steps=True)}, True),
        ({"known": mark(Status.RUNNING, owner="p1", steps=True)}, True),
        ({"known": mark(Status.WAITING)}, False),
        ({"replay": 3}, True),
        ({"waited": True}, False),
    ],
)
def test_steps_are_looked_for_where_there_may_be_some(more: Any, expected: bool) -> None:  # noqa: FBT001 - a case
    assert opened(**more).has_steps is expected


def test_what_runs_is_parked_no_more() -> None:
    case = opened(mark(Status.WAITING, parked=True, attempts=1), waited=True)

    assert (case.history.parked, case.attempts) == (False, 1)


def test_a_failure_is_remembered_with_its_time_and_in_few_words() -> None:
    case = opened()
    case.failed(ValueError("x" * 1000), NOW, 10.0)
    case.failed(ValueError("again"), NOW + timedelta(seconds=60), 1.0)

    assert case.attempts == 2
    assert case.history.first_failed_at == NOW.timestamp()
    assert case.history.first_started_at == NOW.timestamp() - 10
    assert case.history.error == "ValueError: again"
    case.failed(ValueError("x" * 1000), NOW, 1.0)
    assert len(case.history.error) == 500


def test_being_put_off_is_no_failure_and_counts_from_the_first_start() -> None:
    case = opened()
    case.failed(RetryLater(5), NOW, 10.0)
    later = NOW + timedelta(seconds=100)
    case.failed(RetryLater(5), later, 1.0)

    assert (case.attempts, case.history.error, case.history.first_failed_at) == (0, "", 0.0)
    assert case.waited_s(later) == 110


def test_a_clock_that_was_set_back_makes_no_wait_negative() -> None:
    case = opened()
    case.failed(RetryLater(5), NOW, 0.0)

    assert case.waited_s(NOW - timedelta(days=1)) == 0


@pytest.mark.parametrize("company", list(Company))
def test_beginning_names_the_process_and_whether_it_is_alone(company: Company) -> None:
    case = opened()
    case.company = company
    case.begins("p2")

    assert (case.history.owner, case.marked) == ("p2", True)
    assert case.history.alone is (company is Company.ALONE)


@pytest.mark.parametrize("status", list(Status))
def test_the_mark_says_what_is_known(status: Status) -> None:
    case = opened(mark(Status.WAITING, attempts=2, deaths=("p0",)), replay=4)
    ((key, raw),) = case.writes(status, NOW).items()
    assert raw is not None
    found = Mark.decode(raw)

    assert key == case.incoming.seen_key
    assert (found.status, found.attempts, found.replay) == (status, 2, 4)
    assert (found.at, found.key) == (int(NOW.timestamp()), b"ada")
    assert found.history == (History() if found.finished else case.history)
