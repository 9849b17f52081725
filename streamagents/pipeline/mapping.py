"""Mapping: event data out of a foreign payload, field by field, by JMESPath (https://jmespath.org)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jmespath
from jmespath.exceptions import JMESPathError

from streamagents.errors import ConfigurationError, InvalidEventError

if TYPE_CHECKING:
    from collections.abc import Mapping


class FieldMap:
    """Makes an event's data: `FieldMap({"email": "data.object.receipt_email"})`.

    Each field is a JMESPath expression over the payload: `a.b[0]`, `a || b`, `'a constant'`,
    `answers[?field.ref=='mail'].email | [0]`. A field that comes out as null is left out.

    Args:
        fields: expression by field.

    Raises:
        ConfigurationError: an expression is none.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = {name: _compile(name, text) for name, text in fields.items()}

    def __call__(self, payload: Any) -> dict[str, Any]:
        """The data of the event.

        Raises:
            InvalidEventError: an expression cannot work on this payload, as `length` of a number.
        """
        data = {name: _search(name, path, payload) for name, path in self._fields.items()}
        return {name: value for name, value in data.items() if value is not None}


def _compile(name: str, text: str) -> Any:
    try:
        return jmespath.compile(text)
    except JMESPathError as exc:
        first = str(exc).strip().splitlines()[0]
        raise ConfigurationError(
            f"The field {name!r} is mapped by {text!r}, which is no JMESPath expression: {first}"
        ) from exc


def _search(name: str, path: Any, payload: Any) -> Any:
    try:
        return path.search(payload)
    except (JMESPathError, TypeError, ValueError, AttributeError, ArithmeticError) as exc:
        # Its functions check most of their arguments, and leave the rest to Python.
        raise InvalidEventError(
            f"The field {name!r} cannot be made of this payload: {type(exc).__name__}."
        ) from exc
