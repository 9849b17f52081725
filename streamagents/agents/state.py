"""`ctx.state`: a few durable values of one agent and key."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from pydantic import TypeAdapter, ValidationError

from streamagents.agents.values import NOT_STORABLE, adapter, dump, load
from streamagents.errors import EventTooLargeError, StateInvalidError
from streamagents.topics import MIB

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MAX_STATE_BYTES = MIB
"""Of one value: it is written with every event that changes it."""
_MAX_NAME = 200


class StateStorage(Protocol):
    """Where the values of one agent and key are kept."""

    def load(self, name: str) -> bytes | None:
        """A value's JSON, as the events before left it."""

    def store(self, name: str, value: bytes | None) -> None:
        """Change a value with the event's group; None deletes it."""


class State:
    """Durable values of one agent and key: `ctx.state.get("count", 0)`.

    Changes are written with the event's group: an attempt that fails leaves none of them. Events of
    a key run in order, so that what is read is what the event before has written.

    Args:
        storage: where the values are kept.
        guard: called before every access; raises where there is none.
    """

    def __init__(self, storage: StateStorage, guard: Callable[[str], None]) -> None:
        self._storage, self._guard = storage, guard
        self._changed: dict[str, bytes | None] = {}

    @overload
    def get(self, name: str, default: T, *, type: type[T]) -> T: ...
    @overload
    def get(self, name: str, default: None = None, *, type: type[T]) -> T | None: ...
    @overload
    def get(self, name: str, default: Any = None, *, type: Any = None) -> Any: ...

    def get(self, name: str, default: Any = None, *, type: Any = None) -> Any:  # noqa: A002 - as pydantic says it
        """A value, or the default where there is none.

        Args:
            name: the value's name.
            default: returned where there is no value.
            type: reads the value: a pydantic model, or any type that pydantic knows.

        Raises:
            StateInvalidError: the stored value is no such type.
            TypeError: pydantic does not know the type.
        """
        self._guard("state")
        raw = self._raw(_named(name))
        if raw is None:
            return default
        kind = None if type is None else _kind_of(name, type)
        try:
            return load(raw, kind)
        except ValidationError as exc:
            fault = exc.errors(include_input=False)[0]
            at = ".".join(map(str, fault["loc"]))
            raise StateInvalidError(
                f"The state {name!r} is no {_name_of(type)}: {fault['msg']}"
                f"{f' at {at}' if at else ''}. It was written by another version of the agent: "
                "read what is there, or delete it."
            ) from exc

    def set(self, name: str, value: Any) -> None:
        """Change a value: JSON, a pydantic model, a dataclass.

        A model is stored under the names of its fields; `get(name, type=Model)` reads it back.

        Raises:
            TypeError: it cannot be stored as JSON, or the name is none.
            EventTooLargeError: it is larger than a value may be.
        """
        self._guard("state")
        try:
            raw = dump(value)
        except NOT_STORABLE as exc:
            raise TypeError(f"The state {name!r} cannot be stored as JSON: {exc}.") from exc
        if len(raw) > MAX_STATE_BYTES:
            raise EventTooLargeError(
                f"The state {name!r} would take {len(raw):,} bytes, a value takes at most "
                f"{MAX_STATE_BYTES:,}: keep a reference to the data instead."
            )
        self._change(_named(name), raw)

    def delete(self, name: str) -> None:
        """Remove a value; it may be missing."""
        self._guard("state")
        self._change(_named(name), None)

    def _raw(self, name: str) -> bytes | None:
        return self._changed[name] if name in self._changed else self._storage.load(name)

    def _change(self, name: str, raw: bytes | None) -> None:
        self._changed[name] = raw
        self._storage.store(name, raw)


def _kind_of(name: str, type_: Any) -> TypeAdapter[Any]:
    try:
        hash(type_)
    except TypeError:  # it cannot be remembered, as Annotated[int, [1]] cannot
        make = adapter
    else:
        make = _remembered
    try:
        return make(type_)
    except TypeError as exc:
        raise TypeError(
            f"ctx.state.get({name!r}, type={_name_of(type_)}): no value can be read so. {exc}"
        ) from exc


_remembered = lru_cache(maxsize=256)(adapter)


def _name_of(type_: Any) -> str:
    # `list[Order]` has a name, too, which is only "list".
    return type_.__name__ if isinstance(type_, type) else str(type_)


def _named(name: str) -> str:
    if not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME:
        raise TypeError(
            f"ctx.state: a name is a text of 1 to {_MAX_NAME} characters, not {name!r}."
        )
    return name
