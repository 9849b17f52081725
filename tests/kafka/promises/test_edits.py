"""One letter in an editor: what a person does there is taken, offered again, or refused."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from support.letters import Operator, lay
from support.terminal import CTRL_C

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.workers import Fleet

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

EDIT = ("replay", "--id", "1", "--edit")
KEPT = "the letter stays as it is"


@pytest.fixture(scope="module")
def operator(post: Fleet) -> Operator:
    """One letter lies there, and one of bytes."""
    asyncio.run(lay(post, b'{"n": 1, "who": "ann"}', b"\xff\x00"))
    return Operator(post)


@pytest.fixture
def editor(tmp_path: Path) -> Callable[[str], str]:
    """Makes an editor of a line of the shell: `$1` is the file, `$0.was` there the second time."""

    def make(line: str) -> str:
        script = tmp_path / "an editor"
        script.write_text(f'#!/bin/sh\n{line}\ntouch "$0.was"\n')
        script.chmod(0o700)
        return f"'{script}'"

    return make


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("true", f"Nothing was changed: {KEPT}"),
        ('echo >> "$1"', f"Nothing was changed: {KEPT}"),
        ("exit 3", f"Editing failed), {KEPT}"),
        ("kill -9 $$", f"Editing failed), {KEPT}"),
        ('rm "$1"', "No such file or directory: '/"),
    ],
)
def test_where_nothing_comes_back_from_the_editor_the_letter_stays(
    operator: Operator, editor: Callable[[str], str], line: str, said: str
) -> None:
    with operator.sit(*EDIT, EDITOR=editor(line), VISUAL="") as terminal:
        assert terminal.ended() == 1
    assert said in terminal.said
    assert "Traceback" not in terminal.said


@pytest.mark.parametrize("editor", ["/nowhere/vi", "vi '", "/tmp"])
def test_an_editor_that_is_none_is_named(operator: Operator, editor: str) -> None:
    with operator.sit(*EDIT, EDITOR=editor, VISUAL="") as terminal:
        assert terminal.ended() == 1
    assert "The editor failed (" in terminal.said
    assert "set EDITOR, or use --set or --data." in terminal.said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("s/}/,/", "The new data is no JSON"),
        ("s/ann/\\xff/", "The new data is no JSON"),
        ('s/"ann"/[]/', "Not a Task: who: Input should be a valid string"),
        ("s/ann/bob/", "The edit changes the event's key"),
        ("s/1/2/", "The edit changes the event's id"),
        ("d", "The new data is no JSON"),
    ],
)
def test_what_does_not_fit_is_told_and_offered_again(
    operator: Operator, editor: Callable[[str], str], change: str, said: str
) -> None:
    with operator.sit(*EDIT, EDITOR=editor(f"sed -i '{change}' \"$1\""), VISUAL="") as terminal:
        terminal.until("Edit again?")
        assert said in terminal.said
        terminal.type("n\n")
        assert terminal.ended() == 1


def test_ctrl_c_in_the_editor_ends_both(operator: Operator, editor: Callable[[str], str]) -> None:
    # `read` is the shell's own: of a command that it starts (`cat`), dash loses a Ctrl-C now and
    # then, as the child has the shell's handler until its exec (35 times of 60, measured).
    with operator.sit(*EDIT, EDITOR=editor("echo I wait; read -r line"), VISUAL="") as terminal:
        terminal.until("I wait")
        terminal.type(CTRL_C)
        assert terminal.ended() == 130
    assert "Traceback" not in terminal.said


def test_bytes_are_no_text_to_edit(operator: Operator, editor: Callable[[str], str]) -> None:
    with operator.sit("replay", "--where", "data == null", "--edit", EDITOR=editor("true")) as at:
        assert at.ended() == 1
    assert "holds bytes that are no text: give new data with --data." in at.said


async def test_ctrl_c_at_the_question_sends_nothing_and_what_was_mended_goes(
    operator: Operator, editor: Callable[[str], str], post: Fleet
) -> None:
    whole = r"{\"n\": 1, \"who\": \"ann\", \"what\": \"x\"}"
    mended = editor(f'if [ -e "$0.was" ]; then echo "{whole}" > "$1"; else echo {{ > "$1"; fi')
    for answer, code in ((CTRL_C, 1), ("y\n", 0)):
        with operator.sit(*EDIT, EDITOR=mended, VISUAL="") as terminal:
            if code:
                terminal.until("Edit again?")
                terminal.type("\n")
            terminal.until("Go ahead?")
            terminal.type(answer)
            assert terminal.ended() == code, terminal.said
        assert len(await post.read("task")) == 1 - code
    (record,) = await post.read("task")

    assert json.loads(record.value or b"") == {"n": 1, "what": "x", "who": "ann"}
    (row,) = operator.json("list", "--error", "failed")
    assert (row["open"], row["under_way"]) == (1, 1)
