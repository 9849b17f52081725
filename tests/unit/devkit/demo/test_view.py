from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from streamagents.devkit.demo.facts import facts_of
from streamagents.devkit.demo.story import Story
from streamagents.devkit.demo.summary import Evidence, summarize
from streamagents.devkit.demo.view import Frame, Screen
from streamagents.devkit.demo.words import conclusion, who_answers
from support.demo import INBOX, PLACES, letter, mark, result, sent

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


@pytest.mark.parametrize(("height", "table"), [(24, False), (40, True)])
def test_a_low_screen_shows_what_happens_and_how_to_go_on(height: int, table: bool) -> None:  # noqa: FBT001 - a case
    screen, out = Screen(stderr=False), StringIO()
    screen.live = True
    screen.console = Console(
        file=out, force_terminal=True, no_color=True, color_system=None, width=80, height=height
    )
    many = replace(frame(), agents={f"topic-{n}": "Agent" for n in range(13)})
    many.note = ["streamagents send ... sends another. Ctrl-C ends.", "A second line."]
    screen.show(many)
    screen.close()

    shown = out.getvalue()
    assert "3 sent" in shown
    assert "scored: hot" in shown
    assert "Ctrl-C ends." in shown
    assert "A second line." in shown
    assert ("topic-12" in shown) is table
