"""Shown: what a peer says, as far as a log or a letter may repeat it."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 200
_ADDRESS = re.compile(r"[^\s<>@,;:]+@[^\s<>@,;:]+")
_KEYLIKE = re.compile(r"[A-Za-z0-9+/_-]{24,}=*")
_SHORTEST = 4
"""A secret that is shorter would tear holes into any sentence, and protects nothing."""


def shown(said: str, secrets: Iterable[str] = ()) -> str:
    """One line of what a peer said: no secret it echoes, nothing like a key or an address."""
    text = " ".join("".join(char if char.isprintable() else " " for char in said).split())
    for secret in secrets:
        for form in (secret, b64encode(secret.encode()).decode()):
            if len(secret) >= _SHORTEST:
                text = text.replace(form.rstrip("="), "***")
    text = _KEYLIKE.sub("***", _ADDRESS.sub("***", text))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
