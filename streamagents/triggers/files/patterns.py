"""Patterns: which paths below a folder are meant. `*.csv` is its own files, `**/*.csv` of all."""

from __future__ import annotations

import fnmatch
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_ANY_DEPTH = "**"
_UNFINISHED = (
    ".tmp",
    ".temp",
    ".part",
    ".partial",
    ".crdownload",
    ".download",
    ".swp",
    ".swx",
    "~",
)
"""What programs call a file that they have not finished."""


class Patterns:
    """Shell patterns over relative paths; case counts."""

    def __init__(self, patterns: Iterable[str]) -> None:
        parts = [PurePosixPath(pattern).parts for pattern in patterns]
        self._all = [tuple(map(_segment, part)) for part in parts]
        self.deep = any(len(part) > 1 for part in parts)
        """Whether subfolders have to be looked at."""

    def match(self, path: str) -> bool:
        """Whether one of them means this path, which is relative and has slashes."""
        parts = path.split("/")
        if any(part.startswith(".") for part in parts) or unfinished(parts[-1]):
            return False
        return any(_matches(pattern, parts) for pattern in self._all)


def unfinished(name: str) -> bool:
    """Whether a file's name says that it is still being written."""
    return name.lower().endswith(_UNFINISHED)


def _segment(part: str) -> re.Pattern[str] | None:
    return None if part == _ANY_DEPTH else re.compile(fnmatch.translate(part))


def _matches(pattern: tuple[re.Pattern[str] | None, ...], parts: list[str]) -> bool:
    if not pattern:
        return not parts
    head, rest = pattern[0], pattern[1:]
    if head is None:
        return any(_matches(rest, parts[skipped:]) for skipped in range(len(parts) + 1))
    return bool(parts) and bool(head.match(parts[0])) and _matches(rest, parts[1:])
