"""The checker can fail: each rule about steps, state and waits turns red on a violation,
and stays green where a fault explains it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chaos.checker import judge
from chaos.rules_steps import STEPS
from chaos.shapes import REMIND
from chaos.story import Story, partition_of, rfc3339
from chaos.tales import TALES, wait

Spoiler = Callable[[Story], Any]


def red(tale: str, spoil: Spoiler) -> set[str]:
    story = TALES[tale]()
    spoil(story)
    return set(judge(story.evidence()).broken)


# -- steps ---------------------------------------------------------------------------------------


def _rename(story: Story, topic: str, number: int, **changes: Any) -> None:
    record = story.of(topic, number)[0]
    record["value"] = json.dumps({**json.loads(record["value"]), **changes})


def _paid_again_in_the_next_attempt(story: Story) -> None:
    story.pay(0, "1-1", "look", 12.01, 12.02)


def _paid_again_after_it_went_on(story: Story) -> None:
    """A kill is no excuse: the second step had begun, so the first was durable."""
    tokens = [f"1-1-{step}" for step in ("look", "think", "write")]
    story.pay(0, "1-1", "look", 12.01, 12.02)
    _rename(story, "receipt", 0, tokens=[tokens[0], "1-0-think", tokens[2]])
    story.fault("kill", 1, 10.71)


def _repaid(story: Story) -> None:
    """The last step that the first attempt took, and no fault is near."""
    story.pay(0, "1-1", "think", 12.01, 12.02)
    _rename(story, "receipt", 0, tokens=["1-0-look", "1-1-think", "1-1-write"])


def _repaid_after_a_kill(story: Story) -> None:
    _repaid(story)
    story.fault("kill", 1, 10.8)


def _another_answer(story: Story) -> None:
    _rename(story, "receipt", 0, tokens=["1-0-look", "1-0-think", "1-0-look"])


def _no_answer(story: Story) -> None:
    _rename(story, "receipt", 0, tokens=[])


def _many_repaid(story: Story) -> None:
    """One kill takes back more payments than events can have been in flight."""
    story.fault("kill", 7, 10.5)
    for e in range(1, 8):
        key, again = f"other{e}", f"1-x{e}"
        story.order(e, steps=True, key=key)
        story.run(e, f"7-{e}", 10.2, None, key=key)
        story.pay(e, f"7-{e}", "look", 10.3, 10.4)
        tokens = [story.pay(e, again, step, 20.0 + e, 20.1 + e) for step in STEPS]
        story.well(e, again, 20.0 + e, key=key)
        story.receipt(e, again, key=key, tokens=tokens)


# -- state ---------------------------------------------------------------------------------------


def _state_gap(story: Story) -> None:
    _rename(story, "receipt", 2, n=4, odd=True)


def _state_repeat(story: Story) -> None:
    _rename(story, "receipt", 2, n=2)


def _state_overtaken(story: Story) -> None:
    _rename(story, "receipt", 0, n=2, odd=True)
    _rename(story, "receipt", 1, n=1, odd=False)


def _state_half_written(story: Story) -> None:
    """The count is right, but the other value is that of an earlier event."""
    _rename(story, "receipt", 1, odd=False)


def _state_lost_at_the_end(story: Story) -> None:
    _rename(story, "receipt", 3, n=2, odd=False)


# -- waits ---------------------------------------------------------------------------------------


def _too_early(story: Story) -> None:
    story.forget("1-1")
    story.well(REMIND, "1-1", 11.5, agent="Minder", topic="reminder")


def _too_late(story: Story) -> None:
    """Five seconds, and a younger order of its partition was begun meanwhile."""
    story.forget("1-1")
    story.well(REMIND, "1-1", 17.0, agent="Minder", topic="reminder")
    _younger(story, 15.9, "k1")


def _late_with_all(story: Story) -> None:
    """As late, but nobody was preferred: its worker was behind with everything."""
    _too_late(story)
    story.forget("1-9")
    story.well(9, "1-9", 17.2)


def _younger(story: Story, at: float, key: str) -> None:
    story.order(9, key=key, at=at - 0.1)
    story.well(9, "1-9", at, key=key)
    story.receipt(9, "1-9", key=key)


_NEIGHBOUR = next(
    key for key in map("k{}".format, range(3, 99)) if partition_of(key) == partition_of("k2")
)


def _late_after_a_take_over(story: Story) -> None:
    _too_late(story)
    story.fault("kill", 5, 11.0)


def _fired_twice(story: Story) -> None:
    story.well(REMIND, "1-9", 14.0, agent="Minder", topic="reminder")


def _never_fired(story: Story) -> None:
    story.forget("1-1")
    story.drop("receipt", 1)


def _due_at_another_time(story: Story) -> None:
    headers = story.of("reminder", 0)[0]["headers"]
    headers[-1] = ["streamagents-not-before", rfc3339(20.0)]
    story.forget("1-1")
    story.well(REMIND, "1-1", 20.1, agent="Minder", topic="reminder")


def _not_delayed_at_all(story: Story) -> None:
    story.of("reminder", 0)[0]["headers"].pop()


def _parked_too_short(story: Story) -> None:
    story.forget("1-3")
    story.well(1, "1-3", 50.0, key="k2")


def _parked_too_long(story: Story) -> None:
    story.forget("1-3")
    story.well(1, "1-3", 77.0, key="k2")
    _younger(story, 76.0, _NEIGHBOUR)


def _parked_by_the_dead(story: Story) -> None:
    """It was killed before it could write that the event waits."""
    wait(story, 1, "2-2", 16.0, 33.0)
    story.fault("kill", 2, 16.3)
    _parked_again(story)


def _parked_again(story: Story) -> None:
    """As it is asked again, until the same moment."""
    story.forget("1-2", "1-3")
    wait(story, 1, "1-2", 25.0, 24.0)
    story.well(1, "1-3", 49.2, key="k2")


def _overtakes_the_parked(story: Story) -> None:
    story.order(2, key="k2")
    story.well(2, "1-4", 30.0, key="k2")
    story.receipt(2, "1-4", key="k2")


SPOILED: dict[str, tuple[str, Spoiler, set[str]]] = {
    "a step paid again": ("steps", _paid_again_in_the_next_attempt, {"step_again"}),
    "a step that was durable": ("steps", _paid_again_after_it_went_on, {"step_again"}),
    "a step repaid": ("steps", _repaid, {"step_repaid"}),
    "another answer": ("steps", _another_answer, {"step_result"}),
    "no answer": ("steps", _no_answer, {"step_result"}),
    "many steps repaid": ("steps", _many_repaid, {"step_many", "in_flight"}),
    "state with a gap": ("state", _state_gap, {"state"}),
    "state repeated": ("state", _state_repeat, {"state"}),
    "state out of order": ("state", _state_overtaken, {"state"}),
    "state half written": ("state", _state_half_written, {"state"}),
    "state lost at the end": ("state", _state_lost_at_the_end, {"state_final"}),
    "delayed, early": ("waits", _too_early, {"early"}),
    "delayed, late": ("waits", _too_late, {"late"}),
    "delayed, twice": ("waits", _fired_twice, {"ran_again"}),
    "delayed, lost": ("waits", _never_fired, {"lost"}),
    "delayed by another time": ("waits", _due_at_another_time, {"delay"}),
    "not delayed": ("waits", _not_delayed_at_all, {"delay"}),
    "parked too short": ("waits", _parked_too_short, {"early"}),
    "parked too long": ("waits", _parked_too_long, {"late"}),
    "parked and overtaken": ("waits", _overtakes_the_parked, {"order"}),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_broken_rule_is_red(name: str) -> None:
    tale, spoil, expected = SPOILED[name]

    assert red(tale, spoil) == expected


EXCUSED: dict[str, tuple[str, Spoiler]] = {
    "a step in flight at a kill": ("steps", _repaid_after_a_kill),
    "late with all others": ("waits", _late_with_all),
    "late after a take-over": ("waits", _late_after_a_take_over),
    "parked by one that was killed": ("waits", _parked_by_the_dead),
}


@pytest.mark.parametrize("name", EXCUSED)
def test_what_a_fault_explains_is_green(name: str) -> None:
    tale, happen = EXCUSED[name]

    assert red(tale, happen) == set()
