"""Kinds of settings: ports, lists between commas, JSON objects."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field
from pydantic_core import from_json
from pydantic_settings import NoDecode

LAST_PORT = 65535
Port = Annotated[int, Field(ge=1, le=LAST_PORT)]


def _listed(value: Any) -> Any:
    """What stands between commas."""
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def json_object(example: str) -> BeforeValidator:
    """What is written as a JSON object."""

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return from_json(value)
        except ValueError:
            raise ValueError(f"is no JSON object such as {example}") from None

    return BeforeValidator(read)


T = TypeVar("T")
Listed = Annotated[tuple[T, ...], NoDecode, BeforeValidator(_listed)]
