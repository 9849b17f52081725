"""Reading: one file, opened once. What is in it, in which encoding, and whether it holds still."""

from __future__ import annotations

import codecs
import fcntl
import hashlib
import io
import os
import signal
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Self

from streamagents.errors import FileRefusedError
from streamagents.triggers.files.scan import Look, look_of

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

CHUNK_BYTES = 1 << 20
_HASH_CHARS = 32
_MARKS = (  # the longer ones first: one begins as another does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class FileChangedError(Exception):
    """Raised when a file is not what it was when it was opened; it has to settle again."""


class Content(NamedTuple):
    """What a first reading tells of a file."""

    sha256: str
    encoding: str | None
    """None where it is no text."""

    @property
    def hash(self) -> str:
        """As much of it as an id needs."""
        return self.sha256[:_HASH_CHARS]


class OpenedFile:
    """One regular file, open for reading. A context manager.

    Raises:
        OSError: it is gone, or not for us.
        FileRefusedError: it is no regular file.
    """

    def __init__(self, path: Path) -> None:
        # Whatever has taken the file's place since: a pipe would keep us waiting for ever.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self.raw = os.fdopen(fd, "rb", buffering=CHUNK_BYTES)
        told = os.fstat(fd)
        self.look = look_of(told)
        if not stat.S_ISREG(told.st_mode):
            self.raw.close()
            raise FileRefusedError(f"{path.name!r} is no regular file.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.raw.close()

    def is_being_written(self) -> bool:
        """Whether a process has it open for writing, where the system tells."""
        if not hasattr(fcntl, "F_SETLEASE"):
            return False
        fd = self.raw.fileno()
        try:
            # Who opens it for writing in this moment makes the kernel signal us; the usual signal
            # would end the process, this one is ignored by default.
            fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except BlockingIOError:
            return True
        except OSError:
            return False  # somebody else's file, or a file system that knows no leases
        with suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return False

    def check(self) -> None:
        """See whether it holds still.

        Raises:
            FileChangedError: it does not.
        """
        if look_of(os.fstat(self.raw.fileno())) != self.look:
            raise FileChangedError

    def probe(self) -> Probe:
        """Begin a first reading."""
        return Probe(self)

    def text(self, encoding: str, *, newline: str) -> io.TextIOWrapper:
        """Its text from the beginning."""
        self.raw.seek(0)
        # Kept, for whoever drops the last hold on it closes the file.
        self._text = io.TextIOWrapper(self.raw, encoding, newline=newline)
        return self._text


class Probe:
    """The first reading of a file, step by step: its hash, and an encoding that all of it has."""

    def __init__(self, file: OpenedFile) -> None:
        self._file = file
        self._sum = hashlib.sha256()
        self._decoders: dict[str, codecs.IncrementalDecoder] = {}
        self._begun = False

    def step(self, fallback: str | None) -> bool:
        """Read on; whether there was more.

        Args:
            fallback: an encoding to try beside UTF-8.
        """
        chunk = self._file.raw.read(CHUNK_BYTES)
        if not self._begun:
            self._begin(chunk, fallback)
        self._sum.update(chunk)
        for name, decoder in list(self._decoders.items()):
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeError:
                del self._decoders[name]
        if b"\0" in chunk:
            self._decoders.pop("utf-8", None)  # it would be UTF-8 that nobody wrote
        return bool(chunk)

    def content(self) -> Content:
        """What was found."""
        encoding = next(iter(self._decoders), None)
        return Content(self._sum.hexdigest(), encoding)

    def _begin(self, chunk: bytes, fallback: str | None) -> None:
        self._begun = True
        marked = next((name for mark, name in _MARKS if chunk.startswith(mark)), None)
        names = [marked] if marked else ["utf-8", *([fallback] if fallback else [])]
        self._decoders = {name: codecs.getincrementaldecoder(name)() for name in names}


def same(path: Path, look: Look) -> bool:
    """Whether this file still lies at this path."""
    try:
        return look_of(path.stat()) == look
    except OSError:
        return False
