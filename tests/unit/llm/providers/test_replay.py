"""`replay`: what was recorded comes back, in any process, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.errors import ConfigurationError, ModelBusyError
from streamagents.llm.prompts import user_message
from streamagents.llm.providers.replay import RecordingModel, ReplayModel, digest_of_question
from streamagents.ports import Question, Usage
from streamagents.testing import FakeContext, FakeModel, ToolUse

if TYPE_CHECKING:
    from pathlib import Path

USED = Usage(10, 5, 3, 2)


def question(prompt: str = "Summarise.", data: Any = None, **fields: Any) -> Question:
    asked = {"model": "m", "system": "", "max_tokens": 10, **fields}
    return Question(messages=(user_message(prompt, data),), **asked)


async def recorded(path: Path, *answers: Any) -> FakeModel:
    """Answers to the questions a, b, c ..."""
    model = FakeModel(answers, usage=USED)
    recording = RecordingModel(model, path)
    await recording.open()
    for number in range(len(answers)):
        await recording.answer(question("abcdefgh"[number], {"secret": "data"}))
    return model


async def test_what_was_recorded_is_answered_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    await recorded(path, "one", ToolUse("search", {"q": "ä"}))
    replay = ReplayModel(path)

    one = await replay.answer(question("a", {"secret": "data"}, rules=lambda: "x"))
    two = await replay.answer(question("b", {"secret": "data"}))

    assert (one.text, one.provider, one.usage, one.request_id) == (
        "one",
        "replay",
        USED,
        "req_fake_1",
    )
    assert (two.stop_reason, two.content[0]["input"]) == ("tool_use", {"q": "ä"})


async def test_a_line_says_what_was_asked_and_holds_no_data(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    await recorded(path, "one", "two")

    lines = [json.loads(line) for line in path.read_text().splitlines()]

    assert [line["prompt"] for line in lines] == ["a", "b"]
    assert [set(line) for line in lines] == [{"digest", "model", "prompt", "answer"}] * 2
    assert "secret" not in path.read_text()
    assert "usd" not in lines[0]["answer"]


async def test_later_recordings_are_added_and_count(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    await recorded(path, "old", "kept")
    await recorded(path, "new")
    replay = ReplayModel(path)

    answers = [await replay.answer(question(word, {"secret": "data"})) for word in "ab"]

    assert [answer.text for answer in answers] == ["new", "kept"]


async def test_errors_are_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"

    with pytest.raises(ModelBusyError):
        await recorded(path, ModelBusyError(1, "no", code="overloaded"))

    assert path.read_text() == ""


async def test_a_missing_answer_names_the_file_and_how_to_record(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    await recorded(path, "one")

    with pytest.raises(ConfigurationError) as caught:
        await FakeContext(model=ReplayModel(path)).llm.text("Something\n else.", data="secret")

    said = str(caught.value)
    assert f"{path} has no answer to the question" in said
    assert "begins 'Something else.'" in said
    assert f"STREAMAGENTS_LLM_RECORD=1 and STREAMAGENTS_LLM_RECORDINGS={path}." in said
    assert "secret" not in said


@pytest.mark.parametrize("line", ["{", "[]", '{"digest": "x"}', '{"digest": "x", "answer": {}}'])
async def test_a_line_that_is_none_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    await recorded(path, "one")
    path.write_text(f"{path.read_text()}\n{line}\n")

    with pytest.raises(ConfigurationError, match=r"Line 3 of .*answers.jsonl is no recorded"):
        await ReplayModel(path).open()


async def test_a_file_that_cannot_be_written_is_told_before_the_first_question(
    tmp_path: Path,
) -> None:
    recording = RecordingModel(FakeModel(), tmp_path / "missing" / "answers.jsonl")

    with pytest.raises(ConfigurationError, match=r"cannot be recorded in .*: No such file"):
        await recording.open()


def test_a_question_has_the_same_digest_in_every_process() -> None:
    script = (
        "from streamagents.ports import Question\n"
        "from streamagents.llm.providers.replay import digest_of_question\n"
        "q = Question(model='m', system='s', max_tokens=1, schema={'b': 1, 'a': [2]},\n"
        "    messages=({'role': 'user', 'content': [{'type': 'text', 'text': 'ä'}]},))\n"
        "print(digest_of_question(q))"
    )

    said = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in "123"
    }

    assert len(said) == 1


def test_questions_that_differ_have_other_digests() -> None:
    asked = [
        question(),
        question("Other."),
        question(data=1),
        question(model="n"),
        question(system="s"),
        question(max_tokens=11),
        question(schema={"type": "object"}),
        question(tools=({"name": "x"},)),
    ]

    assert len({digest_of_question(each) for each in asked}) == len(asked)
    assert digest_of_question(question(rules=lambda: 1)) == digest_of_question(question())
