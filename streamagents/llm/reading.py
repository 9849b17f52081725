"""Reading: what an answer is worth, and the schemas that are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from pydantic import BaseModel, ValidationError

from streamagents.agents.asking import Call
from streamagents.errors import ModelError
from streamagents.llm.prompts import faults_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.ports import Answer

M = TypeVar("M", bound=BaseModel)

_schemas: WeakKeyDictionary[type[BaseModel], Mapping[str, Any]] = WeakKeyDictionary()


def schema_of(kind: type[BaseModel]) -> Mapping[str, Any]:
    """The schema of a class, made once.

    Raises:
        TypeError: it is no pydantic model.
    """
    if not isinstance(kind, type) or not issubclass(kind, BaseModel):
        raise TypeError(f"ctx.llm.extract(...): what is asked for is a pydantic model, not {kind}.")
    schema = _schemas.get(kind)
    if schema is None:
        schema = _schemas[kind] = kind.model_json_schema()
    return schema


def read(kind: type[M], answer: Answer) -> M:
    """The model that an answer is.

    Raises:
        pydantic.ValidationError: it is none.
    """
    return kind.model_validate_json(answer.text, by_alias=True, by_name=True)


def read_at_last(kind: type[M], answer: Answer) -> M:
    """The model that a repaired answer is.

    Raises:
        ModelError: it is still none.
    """
    try:
        return read(kind, answer)
    except ValidationError as exc:
        raise ModelError(
            f"The model {answer.model} answered twice with something that is no {kind.__name__}: "
            f"{faults_of(exc).splitlines()[0]}.",
            code="invalid_answer",
            request_id=answer.request_id,
        ) from exc


def something(answer: Answer) -> None:
    """Look whether there is a text.

    Raises:
        ModelError: there is none, though the rules may well mean to say nothing.
    """
    if not answer.text.strip() and answer.provider != "rules":
        raise ModelError(
            f"The model {answer.model} answered with no text.",
            code="invalid_answer",
            request_id=answer.request_id,
        )


def call_of(path: str, answer: Answer) -> Call:
    """What is known of a call."""
    return Call(
        step=path,
        provider=answer.provider,
        model=answer.model,
        usage=answer.usage,
        request_id=answer.request_id,
        usd=answer.usd,
    )
