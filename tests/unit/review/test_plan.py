"""The plan: where each letter goes, and why some do not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from streamagents.pipeline.replay import LetterState, Stage
from streamagents.review.plan import Leave, Park, Plan, Refuse, Send, Surroundings, Terms, decide
from streamagents.review.sending import replayed, stage_of
from support.post import CONNECT, SPRING, TOPICS, a_letter, foreign

if TYPE_CHECKING:
    from streamagents.review.letter import Letter

AROUND = Surroundings(topics=TOPICS, group="shop", consumed=frozenset({"order"}))


def staged(stage: Stage) -> Letter:
    return replace(a_letter(), state=LetterState(stage=stage, replay=1, by="ann@x", at=""))


def test_a_letter_goes_back_to_where_it_was_handled() -> None:
    assert decide(a_letter(), Terms(), AROUND) == Send("order", 2, in_place=True)


def test_what_came_through_the_inbox_goes_back_to_its_typed_topic() -> None:
    letter = a_letter()
    came = replace(letter, fault=replace(letter.fault, topic="streamagents" + ".inbox"))

    assert decide(came, Terms(), AROUND) == Send("order", 2, in_place=True)


@pytest.mark.parametrize(
    ("stage", "terms", "goes"),
    [
        (Stage.REPLAYED, Terms(), False),
        (Stage.REPLAYED, Terms(again=True), True),
        (Stage.PARKED, Terms(), False),
        (Stage.PARKED, Terms(parked=True), True),
        (Stage.DONE, Terms(again=True, parked=True), False),
        (Stage.REPLACED, Terms(again=True, parked=True), False),
        (Stage.PURGED, Terms(again=True, parked=True), False),
        (Stage.PURGED, Terms(purged=True), True),
        (Stage.DONE, Terms(purged=True), False),
        (Stage.SENT, Terms(again=True, parked=True), False),
    ],
)
def test_what_became_of_it_decides(stage: Stage, terms: Terms, goes: bool) -> None:  # noqa: FBT001 - a table
    verdict = decide(staged(stage), terms, AROUND)

    assert isinstance(verdict, Send if goes else Leave)


@pytest.mark.parametrize(
    ("replays", "terms", "kind"),
    [(2, Terms(), Send), (3, Terms(), Park), (9, Terms(), Park), (9, Terms(parked=True), Send)],
)
def test_what_was_replayed_too_often_is_parked(replays: int, terms: Terms, kind: type) -> None:
    assert isinstance(decide(a_letter(replay_count=replays), terms, AROUND), kind)


@pytest.mark.parametrize(
    ("letter", "around", "reason"),
    [
        (foreign((("own", b"1"),)), AROUND, "its headers do not say which topic it came from"),
        (a_letter(None, key=None), AROUND, "it has neither key nor value"),
        (a_letter(topic="gone"), AROUND, "its topic gone is gone"),
        (a_letter(topic="other"), AROUND, "no agent of shop takes other any more"),
    ],
)
def test_what_cannot_go_says_why(letter: Letter, around: Surroundings, reason: str) -> None:
    assert decide(letter, Terms(), around) == Refuse(reason)


def test_the_letters_of_another_application_are_that_ones_affair() -> None:
    letter = a_letter(topic="other", group="store")

    assert decide(letter, Terms(), AROUND) == Send("other", 2, in_place=True)


def test_where_a_topic_was_grown_the_key_decides_anew() -> None:
    around = replace(AROUND, topics={**TOPICS, "order": 8})
    verdict = decide(a_letter(), Terms(), around)

    assert verdict == Send("order", None, in_place=False)
    names = [name for name, _ in replayed(a_letter(), verdict).headers]
    assert "streamagents-origin" not in names


def test_a_replay_is_the_original_and_says_what_it_is() -> None:
    letter = a_letter(replay_count=1)
    out = replayed(letter, Send("order", 2, in_place=True), fresh=True)

    assert (out.topic, out.partition, out.key, out.value) == ("order", 2, b"ada", letter.value)
    assert out.timestamp is None
    assert out.headers == (
        ("ce_id", b"c-1"),
        ("streamagents-origin", b"order:2:7"),
        ("streamagents-origin-key", b"ada"),
        ("streamagents-replay-count", b"2"),
        ("streamagents-target-group", b"shop"),
        ("streamagents-letter", b"order.dlq:2:0"),
        ("streamagents-fresh", b"1"),
    )


def test_a_replay_to_others_is_aimed_at_their_group_and_asks_for_no_answer() -> None:
    letter = foreign(SPRING)
    verdict = decide(letter, Terms(), AROUND)
    assert isinstance(verdict, Send)
    out = replayed(letter, verdict)

    assert verdict == Send("order", 3, in_place=True)
    assert stage_of(letter) is Stage.SENT
    assert dict(out.headers) == {
        "own": b"kept",
        "streamagents-origin": b"order:3:1234",
        "streamagents-replay-count": b"1",
        "streamagents-target-group": b"billing",
    }


def test_the_plan_says_who_gets_what_and_who_sees_it() -> None:
    plan = Plan()
    letters = [a_letter(), a_letter(), foreign(CONNECT), a_letter(replay_count=3)]
    letters += [staged(Stage.PARKED), a_letter(topic="gone")]
    for letter in letters:
        plan.add(letter, decide(letter, Terms(), AROUND))

    assert plan.lines(Terms()) == [
        "Replay 3 letters.",
        "        2 to order: group shop, OrderAgent",
        "        1 to order: every group, sink",
        "Our other groups skip them; any other consumer of these topics sees them again.",
        "Steps that were paid for are not paid for again.",
        "1 letter of others: closed when sent, for nobody tells us what becomes of them.",
        "Park 1 letter for people: replayed 3 times or more.",
        "Leave 1 letter: parked for people (--parked).",
        "Cannot replay 1 letter: its topic gone is gone.",
    ]
    assert plan.as_dict()["replay"] == 3


def test_the_plan_says_that_what_was_purged_pays_again() -> None:
    plan, terms = Plan(), Terms(purged=True)
    for letter in (a_letter(), staged(Stage.PURGED)):
        plan.add(letter, decide(letter, terms, AROUND))

    assert plan.sent == 2
    assert "1 letter purged before: their steps run and are paid for again." in plan.lines(terms)


def test_the_plan_does_nothing_to_a_terminal() -> None:
    plan, terms = Plan(), Terms()
    hostile = "\x1b[2J"
    for letter in (
        replace(a_letter(), fault=replace(a_letter().fault, agent=hostile, group=hostile)),
        foreign((("kafka_dlt-original-topic", hostile.encode()),)),
    ):
        plan.add(letter, decide(letter, terms, AROUND))
    said = "\n".join(plan.lines(terms))

    assert plan.sent == 1
    assert "\x1b" not in said
    assert said.count("\\x1b[2J") == 3
