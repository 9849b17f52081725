"""Redaction: what must not be read in logs, and where letters are shown."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

REDACTED = "[redacted]"
_SHORTEST = 4
"""Characters: a shorter secret would hide half of what is said, and is none."""
_VALUE = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,;&}\])]+)"""


class Redactor:
    """Hides secrets by their value and fields by their name.

    Args:
        secrets: never shown, wherever they stand; of a list with commas each part, too.
        fields: names whose values are hidden, upper or lower case.
    """

    def __init__(self, secrets: Iterable[str] = (), fields: Iterable[str] = ()) -> None:
        self._fields = frozenset(name.casefold() for name in fields)
        shapes = sorted({s for secret in secrets for s in _shapes(secret)}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, shapes))) if shapes else None
        names = "|".join(sorted(map(re.escape, self._fields), key=len, reverse=True))
        # As in `email=...`, `'email': ...` and `"email": ...`.
        name = rf"""(?<![\w-])["']?(?:{names})["']?\s*[=:]\s*"""
        self._named = re.compile(f"({name}){_VALUE}", re.IGNORECASE) if names else None

    def text(self, text: str) -> str:
        """A text without them."""
        if self._secrets is not None:
            text = self._secrets.sub(REDACTED, text)
        if self._named is not None:
            text = self._named.sub(rf"\g<1>{REDACTED}", text)
        return text

    def data(self, value: Any) -> Any:
        """A JSON value without them."""
        if isinstance(value, dict):
            return {
                key: REDACTED if str(key).casefold() in self._fields else self.data(inner)
                for key, inner in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.data(inner) for inner in value]
        return self.text(value) if isinstance(value, str) else value


def _shapes(secret: str) -> set[str]:
    """How a secret may be written: as it is, in JSON, in a URL, in Python."""
    parts = {secret.strip(), *(part.strip() for part in secret.split(","))}
    long = {part for part in parts if len(part) >= _SHORTEST}
    return long | {
        shape
        for part in long
        for shape in (json.dumps(part)[1:-1], quote(part, safe=""), repr(part)[1:-1])
    }
