from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.devkit.demo.facts import facts_of
from streamagents.devkit.demo.story import Story
from streamagents.devkit.demo.summary import Evidence, summarize
from streamagents.devkit.demo.view import Frame, Screen
from streamagents.devkit.demo.words import conclusion, who_answers
from support.demo import INBOX, PLACES, letter, mark, result, sent

if TYPE_CHECKING:
    import pytest

A, B, C = sent("a"), sent("b", offset=1), sent("c", offset=2)
SENT = [A, B, C]


def frame(provider: str = "rules") -> Frame:
    evidence, story = Evidence(committed={("lead", 0): 9}), Story()
    for one in SENT:
        story.sent(one)
    for record in (mark(A), result(A), letter(B)):
        for fact in facts_of(record, PLACES):
            evidence.add(fact)
            story.take(fact)
    summary = summarize(SENT, evidence, inbox=INBOX, seconds=2.5, rss_mib=123, provider=provider)
    agents = {"lead": "LeadAgent", INBOX: "FallbackAgent"}
    return Frame(
        title="demo",
        agents=agents,
        summary=summary,
        story=story,
        note=conclusion(summary, SENT, evidence),
    )


def test_without_a_terminal_there_are_lines_and_no_escape_codes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    screen = Screen(stderr=False)
    screen.phase("Starting ...")
    screen.conclude(frame())

    out, err = capsys.readouterr()
    assert not err
    assert "\x1b" not in out
    assert out.startswith("Starting ...\n")
    assert all(line == line.rstrip() for line in out.splitlines())
    assert "✓ lead                 a                    scored: hot, score 7" in out
    assert "3 sent  1 processed" in out
    assert "Without an outcome: c." in out
    assert "123 MiB" in out


def test_answers_by_rules_are_said_to_be_so(capsys: pytest.CaptureFixture[str]) -> None:
    for provider in ("rules", "anthropic"):
        Screen(stderr=False).conclude(frame(provider))
    by_rules, by_model = capsys.readouterr().out.split("123 MiB")[:2]

    assert "answered by rules, without a model" in " ".join(by_rules.split())
    assert "answered by rules" not in by_model
    assert who_answers("rules", "m") == "answers by rules, no model"
    assert who_answers("anthropic", "m") == "asks m"


def test_beside_json_everything_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    Screen(stderr=True).conclude(frame())

    out, err = capsys.readouterr()
    assert not out
    assert "3 sent" in err
