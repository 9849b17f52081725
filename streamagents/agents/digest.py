"""Digests: whether a step is called with the same arguments as before, in whatever process."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections import deque
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json

from streamagents.errors import StepError

if TYPE_CHECKING:
    from collections.abc import Callable

DIGEST_BYTES = 8
ANY_ARGUMENTS = bytes(DIGEST_BYTES)
"""Kept instead of a digest, it matches all of them: a test gives results before it knows calls."""


def digest_of(arguments: tuple[Any, ...]) -> bytes:
    """Eight bytes that tell the arguments of two calls apart; the same in every process.

    Raises:
        StepError: an argument holds itself.
    """
    try:
        text = _dump(_canonical(arguments))
    except (RecursionError, ValueError) as exc:
        raise StepError(
            "A step's argument holds itself or is nested too deeply, so that it cannot be told "
            f"from another: {exc}."
        ) from exc
    return blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()


def digest_of_call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> bytes:
    """The digest of all that a function gets, be it bound by `functools.partial` before.

    Raises:
        StepError: an argument holds itself.
    """
    if isinstance(function, functools.partial):
        return digest_of((*function.args, *arguments, function.keywords))
    return digest_of(arguments)


def _canonical(value: Any) -> Any:
    """The same JSON for equal values, though sets have an order of their own in every process."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (list, tuple, deque)):
        return [_canonical(item) for item in value]
    if isinstance(value, Mapping):
        return {_dump(_canonical(key)): _canonical(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(map(_canonical, value), key=_dump)
    parts = _parts(value)
    return _other(value) if parts is None else _canonical(parts)


def _parts(value: Any) -> dict[str, Any] | None:
    """What an object is made of, where that is known; no method of a user's is called for it."""
    if isinstance(value, BaseModel):
        names = type(value).model_fields
        return {**{name: value.__dict__.get(name) for name in names}, **(value.model_extra or {})}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {part.name: getattr(value, part.name, None) for part in dataclasses.fields(value)}
    if isinstance(value, functools.partial):
        return {"func": value.func, "args": value.args, "keywords": value.keywords}
    return None


def _dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _other(value: Any) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return value.hex()
    if isinstance(value, Iterator):  # to look into it would be to use it up
        return _name_of(type(value))
    if isinstance(getattr(value, "__qualname__", None), str):  # a class, a function, a method
        return _name_of(value)
    try:
        return to_json(value, fallback=lambda inner: _name_of(type(inner))).decode()
    except PydanticSerializationError:
        return _name_of(type(value))


def _name_of(value: Any) -> str:
    """Of a client or another object that has no JSON it does not matter which one it is."""
    return f"{getattr(value, '__module__', '')}.{value.__qualname__}"
