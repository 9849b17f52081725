"""The plan is a pure function of the seed, and holds every kind of event and fault."""

from __future__ import annotations

import json
from dataclasses import replace

from chaos.plan import Plan, make_plan
from chaos.shapes import AGENTS, CHANNELS, Act, Expected
from chaos.size import FAULT_KINDS, LONG, Size

SIZE = Size(events=2000, faults=6)


def test_a_seed_gives_the_same_plan() -> None:
    assert make_plan(7, SIZE) == make_plan(7, SIZE)
    assert make_plan(7, SIZE) != make_plan(8, SIZE)


def test_a_plan_survives_its_file() -> None:
    plan = make_plan(7, SIZE)

    assert Plan.from_dict(json.loads(json.dumps(plan.as_dict()))) == plan


def test_seeds_hold_every_fault_and_fate() -> None:
    plans = [make_plan(seed, SIZE) for seed in range(30)]

    fates = {event.fate for plan in plans for event in plan.events}
    letters = {"failed", "rejected", "crash", "undecodable", "invalid", "tombstone", "no_type"}
    assert fates == {"done", "never", *letters}
    assert {fault.kind for plan in plans for fault in plan.faults} == set(FAULT_KINDS)
    assert {plan.backlog for plan in plans} == {True, False}


def test_only_what_has_an_id_is_repeated_or_sent_in_a_transaction() -> None:
    plan = make_plan(7, SIZE)
    positional = {"undecodable", "invalid", "tombstone", "no_type"}
    unnamed = {event.e for event in plan.events if event.fate in positional}

    numbers = [sent.e for sent in plan.sent]

    assert len(numbers) > len(set(numbers))
    assert all(numbers.count(e) == 1 for e in unnamed)
    assert not any(sent.batch for sent in plan.sent if sent.e in unnamed)


def test_faults_can_be_chosen() -> None:
    plan = make_plan(7, Size(events=100, faults=5, kinds=("stop",), poisons=0))

    assert [fault.kind for fault in plan.faults] == ["stop"] * 5
    assert not any(event.fate == "crash" for event in plan.events)


def test_seeds_hold_every_deed() -> None:
    plans = [make_plan(seed, SIZE) for seed in range(10)]
    done = [event for plan in plans for event in plan.events if event.fate == "done"]

    assert any(event.steps for event in done)
    assert any(0 < event.wait < 30 for event in done)
    assert any(event.wait > 30 for event in done)
    assert any(event.later for event in done)
    acts = [act for event in done for act in event.acts]
    assert {act.channel for act in acts} == set(CHANNELS)
    assert {act.mode for act in acts} == {"ok", "once", "fail", "hang", "lost"}
    assert {act.fate for act in acts} == {"sent", "failed", "outcome_unknown"}


def test_deeds_can_be_chosen() -> None:
    plan = make_plan(7, replace(SIZE, deeds=("steps",)))

    assert any(event.steps for event in plan.events)
    assert not any(event.count or event.wait or event.acts for event in plan.events)
    assert not plan.audits


def test_effects_are_numbered_as_the_runtime_does() -> None:
    acts = (Act(channel="loose"), Act(channel="keyed", name="first"), Act(channel="asked"))
    event = Expected(e=1, topic="order", key="k", id="order-1", fate="done", acts=acts)

    assert list(event.effects()) == ["order-1/act-1", "order-1/first", "order-1/act-2"]


def test_whoever_counted_is_asked_at_the_end_once() -> None:
    plan = make_plan(7, SIZE)
    counted = {
        (AGENTS[event.topic], event.key)
        for event in plan.events
        if event.count and event.fate == "done"
    }

    asked = [(AGENTS[event.topic], event.key) for event in plan.events if event.audit]

    assert set(asked) == counted
    assert len(asked) == len(counted) == len(plan.audits)
    numbers = [sent.n for sent in (*plan.sent, *plan.audits)]
    assert len(numbers) == len(set(numbers))


def test_only_the_first_events_park() -> None:
    """A parked head holds its key for half a minute: the round has to end."""
    plan = make_plan(7, replace(SIZE, events=5000))

    assert max(event.e for event in plan.events if event.wait > 30) < 2000


def test_a_quarter_of_an_hour_has_as_many_faults_as_were_asked_for() -> None:
    plan = make_plan(7, replace(LONG, events=1000))

    assert len(plan.faults) == 50
    assert plan.faults[-1].at <= 750
    assert 1 <= sum(fault.kind.startswith("broker") for fault in plan.faults) <= 5
