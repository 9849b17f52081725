"""Redaction: what is shown of an event's data, without what must not be seen.

By the names of fields, at any depth; case and `-` or `_` do not matter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

HIDDEN = "***"
ALWAYS = (
    "password",
    "passwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "authorization",
    "access_token",
    "refresh_token",
    "client_secret",
    "private_key",
    "cookie",
    "set_cookie",
)
"""Names of fields that are never shown."""
_DEEPEST = 100


class Redaction:
    """Hides the values of fields.

    Args:
        names: of fields, beside those that are always hidden.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset(map(_folded, (*ALWAYS, *names)))
        words = sorted((name.replace("_", "[-_]?") for name in self._names), key=len, reverse=True)
        # For what cannot be parsed: a name, what may stand between, and the value up to its end.
        self._in_text = re.compile(
            rf'((?<![a-z0-9])(?:{"|".join(words)})["\']?\s*[:=]\s*)'
            r"""("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s,;}&]+)""",
            re.IGNORECASE,
        )

    def hides(self, name: str) -> bool:
        """Whether the value under this name is not shown."""
        return _folded(name) in self._names

    def data(self, value: Any, depth: int = 0) -> Any:
        """A JSON value with what is hidden replaced."""
        if depth > _DEEPEST:
            return HIDDEN
        if isinstance(value, dict):
            return {
                name: HIDDEN if self.hides(str(name)) else self.data(inner, depth + 1)
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [self.data(inner, depth + 1) for inner in value]
        return value

    def text(self, text: str) -> str:
        """Text that is no JSON, or may quote some."""
        return self._in_text.sub(rf"\1{HIDDEN}", text)


def _folded(name: str) -> str:
    return name.strip().lower().replace("-", "_")
