"""Estimates: what a call may take at most, before anybody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import to_json

from streamagents.ports import Usage

if TYPE_CHECKING:
    from streamagents.ports import Question

_BYTES_A_TOKEN = 3
"""English has about four bytes a token, code and other scripts fewer: rather too much than too
little, for what was too much comes back with the answer."""


def estimate(question: Question) -> Usage:
    """The usage that a question may lead to: all of its text, and all that it lets a model say."""
    asked = to_json([question.system, question.messages, question.tools, question.schema])
    return Usage(len(asked) // _BYTES_A_TOKEN + 1, question.max_tokens)
