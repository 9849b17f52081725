"""Redaction of logs: the secrets of the settings by their value, fields by their name."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from streamagents.pipeline.redaction import HIDDEN, Redaction

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHORTEST = 4
"""Characters: a shorter secret would hide half of what is said, and is none."""


class Redactor:
    """Hides both.

    Args:
        secrets: never shown, wherever they stand; of a list with commas each part, too.
        fields: names whose values are hidden, beside those that always are.
    """

    def __init__(self, secrets: Iterable[str] = (), fields: Iterable[str] = ()) -> None:
        self._fields = Redaction(fields)
        shapes = sorted({s for secret in secrets for s in _shapes(secret)}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, shapes))) if shapes else None

    def text(self, text: str) -> str:
        """A text without them."""
        if self._secrets is not None:
            text = self._secrets.sub(HIDDEN, text)
        return self._fields.text(text)

    def data(self, value: Any) -> Any:
        """A JSON value without them; text in it may quote a field, too."""
        if isinstance(value, dict):
            return {
                name: HIDDEN if self._fields.hides(name) else self.data(inner)
                for name, inner in value.items()
            }
        if isinstance(value, list):
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
