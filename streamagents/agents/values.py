"""Values: from Python to JSON and back, with nothing lost on the way."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from pydantic_core import from_json, to_json, to_jsonable_python

NOT_STORABLE = (TypeError, ValueError, RecursionError)
"""What `dump` raises, pydantic's own errors among them."""


def adapter(type_: Any) -> TypeAdapter[Any]:
    """What reads and writes values of a type.

    Raises:
        TypeError: pydantic does not know the type, in its words.
    """
    try:
        made: TypeAdapter[Any] = TypeAdapter(type_)
        if not made.pydantic_complete:  # a model with a name in it that cannot be found
            made.rebuild(raise_errors=True)
    except (PydanticUserError, PydanticUndefinedAnnotation) as exc:
        raise TypeError(str(exc).partition("\n")[0]) from exc
    return made


def dump(value: Any, kind: TypeAdapter[Any] | None = None) -> bytes:
    """A value as JSON.

    Models go under the names of their fields, without computed ones: an alias may differ for
    reading and writing, and what does not come back would be lost in silence. NaN stays NaN.

    Args:
        value: JSON, a pydantic model, a dataclass, and what else pydantic writes.
        kind: the type that it is written as; None is its own.

    Raises:
        TypeError: it has a key that JSON has not.
        ValueError: it has no JSON.
        RecursionError: it is nested too deeply.
    """
    plain = (
        to_jsonable_python(value, by_alias=False, round_trip=True, inf_nan_mode="constants")
        if kind is None
        else kind.dump_python(value, mode="json", by_alias=False, round_trip=True, warnings="none")
    )
    return to_json(plain, inf_nan_mode="constants")


def load(raw: bytes, kind: TypeAdapter[Any] | None = None) -> Any:
    """A value that `dump` wrote.

    Raises:
        pydantic.ValidationError: it is not of this type.
    """
    return from_json(raw) if kind is None else kind.validate_json(raw, by_alias=False, by_name=True)
