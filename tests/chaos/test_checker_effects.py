"""The checker can fail: each rule about effects turns red on a violation, and stays green where a
fault, or the channel's own promise, explains it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chaos.checker import judge
from chaos.shapes import ACTIONS, LETTERS, Act
from chaos.story import Story
from chaos.tales import decide, give_up, of_effects, send

Spoiler = Callable[[Story], Any]
KEYED, ASKED = "order-0/first", "order-0/act-1"
LOOSE, CAREFUL = "order-1/act-1", "order-1/first"


def red(spoil: Spoiler) -> set[str]:
    story = of_effects()
    spoil(story)
    return set(judge(story.evidence()).broken)


def _without(what: str, id_: str) -> Callable[[Story], None]:
    def spoil(story: Story) -> None:
        story.world = [row for row in story.world if (row["what"], row["id"]) != (what, id_)]

    return spoil


def _never_sent(story: Story) -> None:
    story.world = [row for row in story.world if row["id"] != LOOSE]


def _again(id_: str, channel: str, **more: Any) -> Callable[[Story], None]:
    def spoil(story: Story) -> None:
        send(story, id_, channel, 20.0, pid=2, interrupted=True, **more)

    return spoil


def _cut(id_: str, channel: str) -> Callable[[Story], None]:
    """Killed after it happened and before it was over; sent again by somebody else."""

    def spoil(story: Story) -> None:
        _without("over", id_)(story)
        story.fault("kill", 1, 12.4)
        send(story, id_, channel, 20.0, pid=2, interrupted=True)

    return spoil


def _not_told(story: Story) -> None:
    _without("over", LOOSE)(story)
    story.fault("kill", 1, 12.4)
    send(story, LOOSE, "loose", 20.0, pid=2)


def _confirmed_and_sent(story: Story) -> None:
    story.fault("kill", 1, 11.3)
    told = {"channel": "asked", "id": ASKED, "pid": 2, "attempt": 1, "interrupted": True}
    story.world.append({"what": "asked", "t": 19.9, "answer": True, **told})
    send(story, ASKED, "asked", 20.0, pid=2, interrupted=True)


def _two_keys(story: Story) -> None:
    _cut(KEYED, "keyed")(story)
    story.world[-2]["idempotency"] = "another"


def _a_shared_key(story: Story) -> None:
    for row in story.world:
        if "idempotency" in row:
            row["idempotency"] = "the same"


def _effects_overtaken(story: Story) -> None:
    send(story, "order-2/act-1", "keyed", 11.05, "fail")


def _decided_by_a_failure(story: Story) -> None:
    decide(story, "order-7/act-1", "loose")
    send(story, "order-7/act-1", "loose", 20.0)


def _given_up_by_mistake(story: Story) -> None:
    give_up(story, LOOSE, "loose", "failed")


def _given_up_without_a_fault(story: Story) -> None:
    give_up(story, CAREFUL, "careful", "outcome_unknown", "0")


def _given_up_after_a_kill(story: Story) -> None:
    _without("over", CAREFUL)(story)
    story.fault("kill", 1, 12.15)
    give_up(story, CAREFUL, "careful", "outcome_unknown", "0")


def _failed(story: Story) -> None:
    """Its first attempt surely sent nothing; of a second one nobody knows more than its mark."""
    event = story.plan.events[1]
    acts = list(event.acts)
    acts[1] = replace(acts[1], mode="once")
    story.plan.events[1] = replace(event, acts=tuple(acts))
    _without("effect", CAREFUL)(story)
    for row in story.world:
        if (row["what"], row["id"]) == ("over", CAREFUL):
            row["what"] = "fail"
    give_up(story, CAREFUL, "careful", "outcome_unknown", "2")


def _given_up_after_a_failure_and_a_kill(story: Story) -> None:
    _failed(story)
    story.fault(
        "kill", 2, 20.0
    )  # by then another worker had it: the first one's end explains nothing


def _answer_lost(story: Story, e: int, number: int) -> None:
    """The effect happens, and the channel cannot tell: as it was asked to."""
    event = story.plan.events[e]
    acts = list(event.acts)
    acts[number] = replace(acts[number], mode="lost")
    story.plan.events[e] = replace(event, acts=tuple(acts))
    id_ = list(event.effects())[number]
    for row in story.world:
        if (row["what"], row["id"]) == ("over", id_):
            row["what"] = "lost"


def _loose_lost(story: Story) -> None:
    _answer_lost(story, 1, 0)
    send(story, LOOSE, "loose", 14.0, attempt=2, interrupted=True)


def _careful_lost(story: Story) -> None:
    _answer_lost(story, 1, 1)
    give_up(story, CAREFUL, "careful", "outcome_unknown", "1")


def _careful_lost_and_resent(story: Story) -> None:
    _careful_lost(story)
    send(story, CAREFUL, "careful", 14.0, attempt=2, interrupted=True)


def _asked_lost(story: Story) -> None:
    _answer_lost(story, 0, 1)
    told = {"channel": "asked", "id": ASKED, "pid": 1, "attempt": 2, "interrupted": True}
    story.world.append({"what": "asked", "t": 13.0, "answer": True, **told})


def _failed_and_happened(story: Story) -> None:
    send(story, "order-2/act-1", "keyed", 50.0, attempt=3)


def _too_many_at_once(story: Story) -> None:
    for e in range(3, 14):
        key = f"other{e}"
        story.order(e, key=key, acts=(Act(channel="loose"),))
        story.well(e, f"1-{e}", 20.0 + e, key=key)
        story.receipt(e, f"1-{e}", key=key)
        decide(story, f"order-{e}/act-1", "loose", key=key)
        send(story, f"order-{e}/act-1", "loose", 60.0)


SPOILED: dict[str, tuple[Spoiler, set[str]]] = {
    "an effect lost": (_never_sent, {"effect_lost"}),
    "an effect undecided": (lambda s: s.drop(ACTIONS, 0), {"effect_undecided"}),
    "an effect decided twice": (
        lambda s: decide(s, KEYED, "keyed"),
        {"effect_decided_twice", "foreign_twice"},
    ),
    "an effect of another": (
        lambda s: s.of(ACTIONS, 0)[0].update(key="k9"),
        {"effect_record"},
    ),
    "an effect of nobody": (_decided_by_a_failure, {"effect_ghost"}),
    "keyed, again": (_again(KEYED, "keyed"), {"effect_twice", "effect_again"}),
    "loose, again": (_again(LOOSE, "loose"), {"effect_twice", "effect_again"}),
    "asked, again after a kill": (_cut(ASKED, "asked"), {"effect_twice"}),
    "careful, again after a kill": (_cut(CAREFUL, "careful"), {"effect_twice"}),
    "again, and not told": (_not_told, {"effect_unmarked"}),
    "confirmed and sent": (
        _confirmed_and_sent,
        {"effect_again", "effect_twice"},
    ),
    "two keys for a peer": (_two_keys, {"effect_key"}),
    "one key for two effects": (_a_shared_key, {"effect_key"}),
    "effects out of order": (_effects_overtaken, {"effect_order"}),
    "given up by mistake": (_given_up_by_mistake, {"effect_letter"}),
    "given up without a fault": (_given_up_without_a_fault, {"effect_letter"}),
    "not given up": (
        lambda s: s.drop(ACTIONS + LETTERS),
        {"effect_letter"},
    ),
    "too many sendings at once": (_too_many_at_once, {"effects_in_flight"}),
    "given up after a failure, without a fault": (_failed, {"effect_letter", "effect_lost"}),
    "careful, unknown and resent": (_careful_lost_and_resent, {"effect_twice"}),
    "failed and happened": (_failed_and_happened, {"effect_odd"}),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_broken_rule_is_red(name: str) -> None:
    spoil, expected = SPOILED[name]

    assert red(spoil) == expected


EXCUSED: dict[str, Spoiler] = {
    "keyed, in flight at a kill": _cut(KEYED, "keyed"),
    "loose, in flight at a kill": _cut(LOOSE, "loose"),
    "careful, in flight at a kill": _given_up_after_a_kill,
    "loose, unknown and resent": _loose_lost,
    "careful, unknown and given up": _careful_lost,
    "careful, failed and about to begin again at a kill": _given_up_after_a_failure_and_a_kill,
    "asked, unknown and confirmed": _asked_lost,
}


@pytest.mark.parametrize("name", EXCUSED)
def test_what_a_fault_explains_is_green(name: str) -> None:
    assert red(EXCUSED[name]) == set()
