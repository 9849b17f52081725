"""`replay`: answers from a file, and the switch that writes it. For tests and demos.

A line is JSON: the digest of a question, whose first words stand beside it for a person, and the
answer. Data, headers and keys are not written.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from streamagents.agents.digest import digest_of
from streamagents.errors import ConfigurationError
from streamagents.llm.prompts import prompt_of, told_apart_by
from streamagents.ports import Answer

if TYPE_CHECKING:
    from pathlib import Path

    from streamagents.ports import Model, Question

NAME = "replay"
_HOW = "To record, run once with a key, STREAMAGENTS_LLM_RECORD=1 and STREAMAGENTS_LLM_RECORDINGS="
_SHOWN_CHARS = 80
_ANSWER = TypeAdapter(Answer)


def digest_of_question(question: Question) -> str:
    """Tells questions apart, in every process alike."""
    return digest_of(told_apart_by(question)).hex()


class ReplayModel:
    """Answers as somebody else did before.

    Args:
        path: the file.
    """

    name = NAME

    def __init__(self, path: Path) -> None:
        self._path = path
        self._answers: dict[str, Answer] | None = None

    async def open(self) -> None:
        """Read the file.

        Raises:
            ConfigurationError: it cannot be read.
        """
        if self._answers is None:
            self._answers = await asyncio.to_thread(read_recordings, self._path)

    async def answer(self, question: Question) -> Answer:
        """The recorded answer; of several the last.

        Raises:
            ConfigurationError: there is none.
        """
        await self.open()
        assert self._answers is not None  # noqa: S101 - open() has read them
        digest = digest_of_question(question)
        try:
            return replace(self._answers[digest], provider=NAME)
        except KeyError:
            raise ConfigurationError(
                f"{self._path} has no answer to the question {digest} for {question.model}, which "
                f"begins {_shown(question)!r}. {_HOW}{self._path}."
            ) from None

    async def close(self) -> None:
        """Nothing is open."""


class RecordingModel:
    """Writes down what another provider answers.

    Args:
        inner: who answers.
        path: the file; lines are added to it.
    """

    def __init__(self, inner: Model, path: Path) -> None:
        self._inner, self._path = inner, path

    @property
    def name(self) -> str:
        """Of who answers."""
        return self._inner.name

    async def open(self) -> None:
        """Get the other one ready.

        Raises:
            ConfigurationError: the file cannot be written.
        """
        await self._inner.open()
        self._append(b"")

    async def answer(self, question: Question) -> Answer:
        """Ask, and write down what was answered; errors are not."""
        answer = await self._inner.answer(question)
        line = {
            "digest": digest_of_question(question),
            "model": question.model,
            "prompt": _shown(question),
            "answer": _ANSWER.dump_python(answer, mode="json", exclude={"usd"}),
        }
        self._append(to_json(line) + b"\n")
        return answer

    async def close(self) -> None:
        """Close the other one."""
        await self._inner.close()

    def _append(self, line: bytes) -> None:
        """One write, at the end: whole also where several processes record."""
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(file, line)
            finally:
                os.close(file)
        except OSError as exc:
            raise ConfigurationError(
                f"Answers cannot be recorded in {self._path}: {exc.strerror}."
            ) from exc


def read_recordings(path: Path) -> dict[str, Answer]:
    """The answers in a file, by the digest of their questions.

    Raises:
        ConfigurationError: there is no such file, or a line of it is no recording.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as exc:
        raise ConfigurationError(
            f"The recorded answers in {path} cannot be read: {exc.strerror}. {_HOW}{path}."
        ) from exc
    answers: dict[str, Answer] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            digest, answer = _recording(path, number, line)
            answers[digest] = answer
    return answers


def _recording(path: Path, number: int, line: bytes) -> tuple[str, Answer]:
    try:
        said: Any = from_json(line)
        return str(said["digest"]), _ANSWER.validate_python(said["answer"])
    except (ValueError, KeyError, TypeError, ValidationError) as exc:
        raise ConfigurationError(f"Line {number} of {path} is no recorded answer.") from exc


def _shown(question: Question) -> str:
    return " ".join(prompt_of(question).split())[:_SHOWN_CHARS]
