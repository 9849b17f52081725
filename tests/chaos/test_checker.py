"""The checker can fail: each rule turns red on a journal, or topics, that break it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from chaos.checker import judge
from chaos.fleet import CHECKOUT
from chaos.rules_runs import GIVEN_BACK
from chaos.shapes import FOLLOW
from chaos.story import KEY, Story, partition_of
from chaos.tales import TALES, of_orders

if TYPE_CHECKING:
    from collections.abc import Callable


def rules(story: Story) -> set[str]:
    return set(judge(story.evidence()).broken)


@pytest.mark.parametrize("tale", TALES)
def test_a_round_as_it_should_be_is_green(tale: str) -> None:
    assert judge(TALES[tale]().evidence()).broken == {}


def test_it_imports_nothing_of_the_package() -> None:
    script = "import sys, chaos.checker; sys.exit(any('streamagents' in m for m in sys.modules))"
    env = {"PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'tests'}"}
    assert subprocess.run([sys.executable, "-c", script], env=env, check=False).returncode == 0


def _unfinished(story: Story) -> None:
    story.finished = False


def _not_acknowledged(story: Story) -> None:
    story.acknowledged.discard(0)


def _lost_after_its_end(story: Story) -> None:
    story.drop("receipt", 2)


def _never_ran(story: Story) -> None:
    story.drop("receipt", 2)
    story.forget("1-2")


def _ghost(story: Story) -> None:
    story.well(3, "1-9", 20.0)


def _twice_by_a_zombie(story: Story) -> None:
    story.fault("stop", 2, 14.9, until=24.0)
    story.well(2, "2-0", 15.0)
    story.receipt(2, "2-0")


def _emitted_in_part(story: Story) -> None:
    story.drop("follow")
    story.drop("receipt", 1)
    story.forget("1-1")


def _out_of_order(story: Story) -> None:
    first, last = story.of("receipt", 0, 2)
    first["offset"], last["offset"] = last["offset"], first["offset"]


def _letter_of_a_bystander(story: Story) -> None:
    story.letter(2, "crash")


def _other_code(story: Story) -> None:
    story.drop("order.dlq")
    story.letter(1, "crash")


def _too_few_attempts(story: Story) -> None:
    story.drop("order.dlq")
    story.letter(1, attempts="2")


def _changed(what: str, value: Any) -> Callable[[Story], None]:
    def change(story: Story) -> None:
        story.of("order.dlq", 0)[0][what] = value

    return change


def _a_header_more(story: Story) -> None:
    story.of("order.dlq", 0)[0]["headers"].append(["streamagents-origin", "order:0:0"])


def _another_place(story: Story) -> None:
    headers = story.of("order.dlq", 0)[0]["headers"]
    headers.append(["__streams.errors.offset", "77"])


def _ran_again(story: Story) -> None:
    story.fault("kill", 1, 20.0)
    story.well(2, "2-0", 21.0)


def _redone_without_a_fault(story: Story) -> None:
    story.well(2, "1-x", 14.6)
    story.forget("1-2")
    story.well(2, "1-2", 15.2)


def _redone_long_after(story: Story) -> None:
    """It ended 5 s before its process was killed, and a later one of its partition was written."""
    _redone_behind(story)
    _neighbour(story, "1-9", 16.0)


def _redone_behind(story: Story) -> None:
    """As long, but nothing of the partition was: the brokers were behind."""
    _redone_without_a_fault(story)
    story.fault("kill", 1, 20.2)


def _neighbour(story: Story, name: str, start: float) -> None:
    """An event of another key of the partition."""
    key = next(k for k in map("k{}".format, range(2, 99)) if partition_of(k) == partition_of(KEY))
    story.order(9, key=key)
    story.well(9, name, start, key=key)
    story.receipt(9, name, key=key)


def _attempts_from_nothing(story: Story) -> None:
    story.forget("1-2")
    story.well(2, "1-2", 15.0, attempt=2)


def _attempts_forgotten(story: Story) -> None:
    """Killed five seconds after the first failure, it begins with the first attempt again."""
    _attempts_behind(story)
    _neighbour(story, "2-9", 6.5)


def _attempts_behind(story: Story) -> None:
    story.forget("1-f1")
    story.run(1, "2-f1", 5.0, 5.1, "fail")
    story.forget("1-0")
    story.well(0, "1-0", 4.0)
    story.fault("kill", 2, 10.2)
    story.run(1, "1-f1", 12.0, 12.5, "fail")


def _rejected_again(story: Story) -> None:
    story.plan.events[1] = replace(story.plan.events[1], fate="rejected", mode="reject")
    story.forget("1-f1", "1-f2", "1-f3")
    story.run(1, "1-r", 11.0, 11.5, "reject")
    story.run(1, "1-s", 12.0, 12.5, "reject")
    story.drop("order.dlq")
    story.letter(1, "rejected", attempts="1")


def _overtaken(story: Story) -> None:
    """The third begins while the second waits for its last attempt."""
    story.forget("1-2")
    story.run(2, "1-2", 13.6, 13.8)


def _stale_order(story: Story) -> None:
    """After a crash the first ran again, and the third, which had seen its state, did not."""
    story.well(0, "2-0", 9.0)
    story.fault("kill", 2, 9.6)
    story.forget("1-0", "1-1")
    story.well(0, "1-0", 16.0)
    story.well(FOLLOW, "1-1", 17.0, agent="Follower", topic="follow")


def _two_at_once(story: Story) -> None:
    story.run(2, "1-x", 15.1, 15.2, "cancel")


def _two_workers_at_once(story: Story) -> None:
    story.run(2, "2-x", 15.1, 15.2, "cancel")


def _redone_by_the_dozen(story: Story) -> None:
    """More than the round's bound: four runs ended, and one kill took them all back."""
    story.forget("1-2")
    for n in range(4):
        story.run(2, f"7-{n}", 14.6 + n / 10, 14.65 + n / 10)
    story.well(2, "1-2", 16.0)
    story.fault("kill", 7, 15.1)


def _odd(story: Story) -> None:
    story.run(2, "1-x", 14.6, 14.7, "odd", error="RuntimeError()")


def _read_what_was_given_back(story: Story) -> None:
    story.run(2, "1-x", 14.6, 14.7, "odd", error=GIVEN_BACK)


def _failed_unasked(story: Story) -> None:
    story.run(2, "1-x", 14.6, 14.7, "fail")
    story.forget("1-2")
    story.well(2, "1-2", 15.0, attempt=2)


def _seen_twice(story: Story) -> None:
    """As by a reader to whom an aborted transaction was shown."""
    story.foreign = story.seen()
    story.foreign.append({**story.foreign[0], "offset": 77})


def _never_seen(story: Story) -> None:
    story.foreign = story.seen()[1:]


def _too_many(story: Story) -> None:
    for n in range(3):
        story.run(2, f"1-{n}x", 15.1 + n / 100, 15.2, "cancel", key=f"other{n}")


SPOILED: dict[str, tuple[Callable[[Story], Any], set[str]]] = {
    "time limit": (_unfinished, {"unfinished"}),
    "commit behind": (lambda s: s.behind.update({"order:0": [1, 2]}), {"uncommitted"}),
    "a worker died by itself": (lambda s: s.ends.update({"died:1": 1}), {"worker_died"}),
    "the broker broke a commit": (
        lambda s: s.broken_commits.append("p3-0, epoch 7: no commit in order-1"),
        {"broker_lost"},
    ),
    "the broker forgot": (lambda s: s.acknowledged.add(3), {"broker_lost"}),
    "not sent": (_not_acknowledged, {"unsent"}),
    "lost after its end": (_lost_after_its_end, {"lost"}),
    "never ran": (_never_ran, {"lost"}),
    "no letter": (lambda s: s.drop("order.dlq"), {"letter_missing"}),
    "aborted and handled": (_ghost, {"ghost"}),
    "emitted twice": (lambda s: s.receipt(0, "1-0"), {"emitted_twice", "foreign_twice"}),
    "emitted by two": (_twice_by_a_zombie, {"emitted_twice", "emitted_mixed"}),
    "emitted in part": (_emitted_in_part, {"emitted_part", "lost"}),
    "emitted by a failure": (lambda s: s.receipt(1, "1-f3"), {"stranger", "emitted_order"}),
    "emitted out of order": (_out_of_order, {"emitted_order"}),
    "a bystander's letter": (_letter_of_a_bystander, {"letter_unexpected"}),
    "two letters": (lambda s: s.letter(1), {"letter_twice"}),
    "a letter's code": (_other_code, {"letter_wrong"}),
    "a letter's attempts": (_too_few_attempts, {"letter_wrong"}),
    "a letter's key": (_changed("key", None), {"letter_changed"}),
    "a letter's value": (_changed("value", '{"e":1}'), {"letter_changed"}),
    "a letter's headers": (_a_header_more, {"letter_changed"}),
    "a letter's place": (_another_place, {"letter_changed"}),
    "ran again": (_ran_again, {"ran_again"}),
    "redone, no fault": (_redone_without_a_fault, {"redone"}),
    "redone, fault late": (_redone_long_after, {"redone"}),
    "an attempt from nothing": (_attempts_from_nothing, {"attempts"}),
    "attempts forgotten": (_attempts_forgotten, {"attempts"}),
    "rejected again": (_rejected_again, {"attempts"}),
    "overtaken": (_overtaken, {"order"}),
    "the later counted first": (_stale_order, {"order"}),
    "two of a key in one worker": (_two_at_once, {"overlap"}),
    "two of a key in two workers": (_two_workers_at_once, {"overlap"}),
    "redone beyond the bound": (_redone_by_the_dozen, {"redone_many"}),
    "raised by itself": (_odd, {"odd"}),
    "read what was given back, awake": (_read_what_was_given_back, {"odd"}),
    "failed unasked": (_failed_unasked, {"odd"}),
    "seen twice": (_seen_twice, {"foreign_twice", "foreign_ghost"}),
    "never seen": (_never_seen, {"foreign_missed"}),
    "too many at once": (_too_many, {"in_flight", "overlap"}),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_broken_rule_is_red(name: str) -> None:
    spoil, expected = SPOILED[name]
    story = of_orders()
    spoil(story)

    assert rules(story) == expected


def _killed_at_once(story: Story) -> None:
    _redone_without_a_fault(story)
    story.fault("kill", 1, 15.15)


def _zombie(story: Story) -> None:
    """Thawed, it runs what its successor has finished, until it hears of it."""
    story.fault("stop", 2, 9.0, until=18.0)
    story.well(2, "2-0", 18.5)


def _read_what_was_given_back_in_its_sleep(story: Story) -> None:
    story.fault("stop", 1, 9.0, until=14.0)
    _read_what_was_given_back(story)


def _without_a_broker(story: Story) -> None:
    _redone_without_a_fault(story)
    story.fault("broker_freeze", 0, 15.15, until=26.0)


def _killed_in_the_middle(story: Story) -> None:
    story.run(2, "2-0", 14.6, None)
    story.fault("kill", 2, 14.7)


def _failure_not_written(story: Story) -> None:
    story.run(1, "2-0", 11.0, 11.2, "fail")
    story.fault("kill", 2, 11.3)


EXCUSED = [
    _killed_at_once,
    _redone_behind,
    _attempts_behind,
    _zombie,
    _read_what_was_given_back_in_its_sleep,
    _without_a_broker,
    _killed_in_the_middle,
    _failure_not_written,
]


@pytest.mark.parametrize("happen", EXCUSED)
def test_what_a_fault_explains_is_green(happen: Callable[[Story], None]) -> None:
    story = of_orders()
    happen(story)

    assert rules(story) == set()


def test_a_verdict_names_the_rule_and_the_event() -> None:
    story = of_orders()
    story.letter(2, "crash")

    line = judge(story.evidence()).line()

    assert '"RED"' in line
    assert "letter_unexpected" in line
    assert KEY not in line


def test_a_round_whose_broker_lost_something_proves_nothing() -> None:
    story = of_orders()
    story.acknowledged.add(3)
    story.drop("receipt", 2)

    assert judge(story.evidence()).word == "VOID"
