"""The scan: which files lie in a folder now, and how they look from outside."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streamagents.triggers.files.folder import Folder
    from streamagents.triggers.files.patterns import Patterns


_MOST = (1 << 63) - 1


class Look(NamedTuple):
    """A file from outside: what changes when its content does."""

    size: int
    mtime_ns: int
    inode: int


def look_of(told: os.stat_result) -> Look:
    """How a file looks, in the numbers that the ledger can keep.

    Some file systems number their files up to 2**64; and anybody may date a file beyond 2262.
    """
    return Look(told.st_size, min(told.st_mtime_ns, _MOST), told.st_ino % _MOST)


def shown(path: str) -> str:
    """A path as text in one line, whatever its bytes are."""
    text = os.fsencode(path).decode(errors="backslashreplace")
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def scan(folder: Folder, patterns: Patterns) -> Mapping[str, Look]:
    """The regular files that are meant, by their path below the folder, with slashes.

    Folders, pipes, devices and sockets are none; nor is what a symbolic link finds outside of the
    folder, or what is empty: somebody is about to fill it.

    Raises:
        OSError: the folder itself cannot be read.
    """
    root = folder.root.resolve(strict=True)
    closed = {
        Path(os.path.realpath(root / place))
        for place in (folder.done, folder.failed)
        if place is not None
    }
    return {
        path: look
        for path, entry in _walk(root, closed, deep=patterns.deep)
        if patterns.match(path) and (look := _look(root, entry)) is not None
    }


def _walk(root: Path, closed: set[Path], *, deep: bool) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """All that is no folder. However deep it lies: a tree is anybody's to drop."""
    waiting = [root]
    while waiting:
        at = waiting.pop()
        try:
            with os.scandir(at) as entries:
                for entry in entries:
                    path = Path(entry.path)
                    if not entry.is_dir(follow_symlinks=False):
                        yield path.relative_to(root).as_posix(), entry
                    elif deep and not entry.name.startswith(".") and path not in closed:
                        waiting.append(path)
        except OSError:
            if at == root:
                raise
            # Gone meanwhile, or not for us: the rest of the folder is not held up.


def _look(root: Path, entry: os.DirEntry[str]) -> Look | None:
    try:
        if entry.is_symlink() and not Path(os.path.realpath(entry.path)).is_relative_to(root):
            return None
        told = entry.stat()
    except OSError:
        return None  # gone, a link to nothing, or links in a circle
    return look_of(told) if stat.S_ISREG(told.st_mode) and told.st_size else None
