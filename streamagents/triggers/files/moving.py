"""Moving: files that are done, or failed, leave the folder; nothing is ever overwritten or lost."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path, PurePosixPath

from streamagents.triggers.files.reading import FileChangedError, same
from streamagents.triggers.files.scan import Look, look_of

_MOST_NAMES = 100_000


def move(root: Path, path: str, look: Look, into: str | Path) -> Path:
    """Move a file below another folder, under the same relative path or one with a number.

    Args:
        root: the watched folder.
        path: the file's path below it.
        look: as it was read.
        into: the other folder, relative to the watched one.

    Returns:
        Where it is now.

    Raises:
        OSError: it cannot be moved.
        FileChangedError: another file lies there by now; it stays.
    """
    source = root / path
    if source.is_symlink():
        raise OSError(errno.EINVAL, "it is a symbolic link, which would lead elsewhere from there")
    if not same(source, look):
        raise FileChangedError
    target = _reserve(root / into / path)
    try:
        try:
            source.replace(target)
        except OSError as exc:
            if exc.errno != errno.EXDEV:
                raise
            _carry(source, target, look)
        else:
            _verify(target, look, source)
    except BaseException:
        with suppress(OSError):
            if target.stat().st_size == 0 and source.exists():
                target.unlink()  # the name that we reserved
        raise
    return target


def write_beside(root: Path, path: str, into: str | Path, ending: str, text: str) -> Path:
    """Write a text about a file below another folder, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    target = root / into / (path + ending)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.part")
    draft.write_text(text, encoding="utf-8", errors="backslashreplace")
    draft.replace(target)
    return target


def _reserve(wanted: Path) -> Path:
    """Take a name that nobody has: an empty file, which the real one replaces."""
    wanted.parent.mkdir(parents=True, exist_ok=True)
    pure = PurePosixPath(wanted.name)
    for number in range(_MOST_NAMES):
        name = f"{pure.stem}.{number}{pure.suffix}" if number else wanted.name
        target = wanted.with_name(name)
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        except FileExistsError:
            continue
        return target
    raise FileExistsError(errno.EEXIST, "too many files of this name", str(wanted))


def _carry(source: Path, target: Path, look: Look) -> None:
    """To another file system: a whole copy first, then the original goes."""
    draft = target.with_name(f".{target.name}.part")
    try:
        shutil.copy2(source, draft)
        with draft.open("rb") as copied:
            os.fsync(copied.fileno())
        if not same(source, look):
            raise FileChangedError
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    source.unlink()


def _verify(target: Path, look: Look, source: Path) -> None:
    """What was put there in that very moment is another file, and still to be read."""
    if look_of(target.stat()) == look:
        return
    if not source.exists():
        target.replace(source)
    raise FileChangedError
