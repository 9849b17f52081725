"""Some processes share the tests; a test that needs the machine to itself waits until it has it."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DOOR, ROOM = Path(__file__), Path(__file__).with_name("__init__.py")
"""Locked, not written: both are there in every checkout, and nothing is left behind."""


@contextmanager
def turn(*, alone: bool, door: Path = DOOR, room: Path = ROOM) -> Iterator[None]:
    """Run a test beside those of the other processes, or alone.

    Nobody waits for ever: each test has its time limit, and a lock ends with its process.
    """
    with door.open() as at_the_door, room.open() as inside:
        fcntl.flock(at_the_door, fcntl.LOCK_EX)  # who waits for an empty room lets nobody pass
        fcntl.flock(inside, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(at_the_door, fcntl.LOCK_UN)
        yield
