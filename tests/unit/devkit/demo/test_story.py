from __future__ import annotations

from dataclasses import replace

from streamagents.devkit.demo.facts import facts_of
from streamagents.devkit.demo.story import Line, Story, one_line
from streamagents.devkit.demo.summary import Evidence
from streamagents.pipeline.mark import Status
from support.demo import PLACES, Written, letter, mark, result, sent

A, A_AGAIN, B = sent("a"), sent("a-again", offset=1), sent("b", offset=2)
DRAFT = (
    '{"tier": "hot", "score": 7, "subject": "x@y.z", "draft": "Hello Ana,\\n\\nmay we call?\\n"}'
)


def told(*records: Written) -> list[Line]:
    story = Story()
    for one in (A, A_AGAIN, B):
        story.sent(one)
    for record in records:
        for fact in facts_of(record, PLACES):
            story.take(fact)
    return story.last(10)


def test_a_line_says_what_the_agent_made_of_the_event() -> None:
    (line,) = told(mark(A), result(A, value=DRAFT.encode()))

    assert (line.kind, line.topic, line.name, line.own) == ("processed", "lead", "a", True)
    assert line.text == "scored: hot, score 7 “may we call?”"


def test_results_may_come_in_any_order() -> None:
    there = told(result(A, 2), result(A, value=DRAFT.encode()), mark(A))
    back = told(mark(A), result(A, value=DRAFT.encode()), result(A, 2))

    assert there[0].text == back[0].text == "scored: hot, score 7 “may we call?”; scored"


def test_a_retried_event_keeps_one_line() -> None:
    waiting = mark(A, Status.WAITING, attempts=1)

    (line,) = told(waiting)
    assert (line.kind, line.text) == ("retried", "attempt 1 failed, tried again: ValueError: no")
    (line,) = told(waiting, mark(A, attempts=1))
    assert (line.kind, line.text) == ("processed", "at attempt 2: done")


def test_a_letter_says_why() -> None:
    (line,) = told(letter(A, reason="bad\n\x1b[31mdata"))

    assert (line.kind, line.name) == ("dead", "a")
    assert line.text == "dead letter, failed: bad [31mdata"


def test_an_effect_goes_by_the_name_of_the_event_that_decided_it() -> None:
    (line,) = told(mark(replace(A, id=f"{A.id}/crm", home="effects")))

    assert (line.name, line.topic, line.kind) == ("a/crm", "effects", "processed")


def test_events_of_others_are_shown_as_such() -> None:
    (line,) = told(mark(sent("x")))

    assert (line.name, line.own) == ("run-x", False)


def test_duplicates_are_told_once() -> None:
    story = Story()
    evidence = Evidence(committed={("lead", 0): 9})
    for one in (A, A_AGAIN):
        story.sent(one)
    for fact in facts_of(mark(A), PLACES):
        evidence.add(fact)

    for _ in range(2):
        story.skipped([A, A_AGAIN], evidence)

    (line,) = story.last(10)
    assert (line.kind, line.name, line.text) == ("duplicate", "a-again", "a ran before: skipped")


def test_a_line_is_printed_once_and_again_when_it_changed() -> None:
    story = Story()
    for record in (mark(A), result(A)):
        for fact in facts_of(record, PLACES):
            story.take(fact)
        assert [line.told for line in story.untold()] == [True]
        assert story.untold() == []


def test_only_the_last_lines_are_kept() -> None:
    story = Story()
    for number in range(300):
        for fact in facts_of(mark(sent(chr(200 + number))), PLACES):
            story.take(fact)

    assert len(story.last(1000)) == 100
    assert story.last(0) == []


def test_long_texts_are_cut() -> None:
    assert one_line("a  b\n c") == "a b c"
    assert one_line("x" * 300, 10) == "x" * 9 + "…"
