"""The plan is a pure function of the seed, and holds every kind of event and fault."""

from __future__ import annotations

import json

from chaos.plan import FAULT_KINDS, Plan, Size, make_plan

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
