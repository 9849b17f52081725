"""Frames: the lines of a user's own code that an error came through."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGE = Path(__file__).parents[1]
_STARTER = f"{_PACKAGE / 'starter'}/"
"""Its agents are what a user's would be."""
_OURS = (f"{_PACKAGE}/", "<")
_PYTHONS = f"{sysconfig.get_path('stdlib')}/"
_INSTALLED = frozenset({"site-packages", "dist-packages"})
_SHOWN = 3
_DEEPEST_CHAIN = 10


class Frame(NamedTuple):
    """A line that an error came through."""

    file: str
    line: int
    function: str

    @property
    def words(self) -> str:
        """It, as a person reads it."""
        return f"{Path(self.file).name}:{self.line} {self.function}"


def place(error: BaseException) -> str:
    """Where in a user's code it happened, in one line, the innermost last; empty if nowhere.

    An application that is installed looks like a library: where nothing else is found, the lines
    of libraries are told.
    """
    frames = users_frames(error) or [frame for frame in _frames(error) if not _is_ours(frame)]
    return " > ".join(frame.words for frame in frames[-_SHOWN:])


def users_frames(error: BaseException) -> list[Frame]:
    """The lines that are neither ours, nor Python's, nor installed.

    An error that came through none of them is asked for the one that it was raised for: of an
    attempt that took too long, that tells where it stood.
    """
    chain = ([frame for frame in _frames(one) if _is_users(frame)] for one in _chain(error))
    return next(filter(None, chain), [])


def _frames(error: BaseException) -> list[Frame]:
    # No line of a source is read: this runs on the worker's loop.
    return [
        Frame(frame.f_code.co_filename, line, frame.f_code.co_name)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]


def _is_users(frame: Frame) -> bool:
    installed = not _INSTALLED.isdisjoint(Path(frame.file).parts)
    return not (installed or _is_ours(frame))


def _is_ours(frame: Frame) -> bool:
    """Whether it is ours, or Python's own."""
    file = frame.file
    if file.startswith(_STARTER):
        return False
    pythons = file.startswith(_PYTHONS) and _INSTALLED.isdisjoint(Path(file).parts)
    return pythons or file.startswith(_OURS)


def _chain(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    for _ in range(_DEEPEST_CHAIN):
        if one is None:
            return
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
