"""Results of steps: what a function's return annotation says of storing and reading them."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import typing
from collections.abc import Awaitable, Iterable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from pydantic import BaseModel, TypeAdapter, ValidationError

from streamagents.agents.values import NOT_STORABLE, adapter, dump, load
from streamagents.errors import EventTooLargeError, StepError
from streamagents.topics import MIB

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = TypeAdapter[Any] | None
"""How results are stored; None is plain JSON."""

MAX_STEP_BYTES = 5 * MIB
"""A step's result has to fit into one record of the changelog."""

_kinds: WeakKeyDictionary[Any, Kind] = WeakKeyDictionary()


def kind_of(function: Callable[..., Any]) -> Kind:
    """What reads the function's results back, by its return annotation.

    Raises:
        StepError: pydantic cannot read what it says.
    """
    plain: Any = function.func if isinstance(function, functools.partial) else function
    plain = getattr(plain, "__func__", plain)  # methods are made anew at every look
    if not (inspect.isfunction(plain) or inspect.isclass(plain) or hasattr(plain, "__wrapped__")):
        plain = getattr(type(plain), "__call__", plain)  # noqa: B004 - the method itself
    try:
        return _kinds[plain]
    except (KeyError, TypeError):
        pass
    kind = _new_kind(plain)
    try:
        _kinds[plain] = kind
    except TypeError:
        return kind  # a built-in: it cannot be remembered, and has no annotations anyway
    return kind


def store(path: str, result: Any, kind: Kind) -> tuple[bytes, Any]:
    """A result's JSON, and what will be read of it later: that is returned the first time, too.

    Raises:
        StepError: it cannot be stored and read back.
        EventTooLargeError: it is larger than a record may be.
    """
    raw = _dump(path, result, kind)
    if len(raw) > MAX_STEP_BYTES:
        raise EventTooLargeError(
            f"The result of the step {path!r} takes {len(raw):,} bytes, a step keeps at most "
            f"{MAX_STEP_BYTES:,}: return a reference to the data instead."
        )
    try:
        return raw, load(raw, kind)
    except ValidationError as exc:
        fault = exc.errors(include_input=False)[0]
        at = ".".join(map(str, fault["loc"]))
        raise StepError(
            f"The step {path!r} returned something else than its function's annotation says: "
            f"{exc.error_count()} faults, the first {fault['msg']!r}{f' at {at}' if at else ''}."
        ) from exc


def _dump(path: str, result: Any, kind: Kind) -> bytes:
    model = _model_in(result) if kind is None else None
    if model is not None:
        raise StepError(
            f"The step {path!r} returned {model.__name__}: annotate what its function returns, "
            "with a name that exists at run time (outside of `if TYPE_CHECKING`), so that the "
            "stored result can be read back."
        )
    try:
        return dump(result, kind)
    except NOT_STORABLE as exc:
        raise StepError(
            f"The step {path!r} returned {type(result).__name__}, which cannot be stored as JSON: "
            f"{exc}."
        ) from exc


def _model_in(result: Any) -> type | None:
    """A class that JSON would turn into a dict, anywhere in a result."""
    todo, seen = [result], set[int]()
    while todo:
        value = todo.pop()
        if isinstance(value, BaseModel) or (
            dataclasses.is_dataclass(value) and not isinstance(value, type)
        ):
            return type(value)
        if isinstance(value, (Mapping, list, tuple, set, frozenset)) and id(value) not in seen:
            seen.add(id(value))
            todo.extend(value.values() if isinstance(value, Mapping) else value)
    return None


def _new_kind(function: Any) -> Kind:
    annotation = _awaited(function if inspect.isclass(function) else _annotation(function))
    if _says_nothing(annotation):
        return None
    try:
        return adapter(annotation)
    except TypeError as exc:
        raise StepError(
            f"{getattr(function, '__qualname__', function)} returns {annotation!r}, which cannot "
            "be stored: a step returns JSON, a pydantic model or another type that pydantic "
            f"reads. {exc}"
        ) from exc


def _annotation(function: Any) -> Any:
    """The return annotation alone: names of the others are often there for type checkers only."""
    try:
        said = {"return": function.__annotations__["return"]}
        scope = getattr(inspect.unwrap(function), "__globals__", {})
        holder = SimpleNamespace(__annotations__=said)
        return typing.get_type_hints(holder, globalns=scope, include_extras=True)["return"]
    except (AttributeError, KeyError, NameError, SyntaxError, TypeError):
        return Any


def _awaited(annotation: Any) -> Any:
    """What is left of `Awaitable[X]` when it has been awaited."""
    kind = typing.get_origin(annotation) or annotation
    if inspect.isclass(kind) and issubclass(kind, Awaitable):
        return (typing.get_args(annotation) or (Any,))[-1]
    return annotation


def _says_nothing(annotation: Any) -> bool:
    """Of a result so annotated nothing would be stored, or nothing of it read back as it was."""
    if annotation in (Any, object, BaseModel) or isinstance(annotation, typing.TypeVar):
        return True
    if typing.get_origin(annotation) is Iterable:  # pydantic would read what can be used once
        return True
    return not inspect.isclass(annotation) and bool(getattr(annotation, "__parameters__", ()))
