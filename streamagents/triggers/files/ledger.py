"""The ledger: which files were sent, kept over restarts, in a small SQLite file of the folder."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from typing import TYPE_CHECKING, NamedTuple, Self

from streamagents.errors import ConfigurationError, StateError
from streamagents.triggers.files.scan import Look

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path
    from types import TracebackType

KEPT_S = 30 * 86_400.0
"""How long a file that is gone is remembered: longer than its events' ids by default."""
MOST_GONE = 100_000
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_SCHEMA = """
CREATE TABLE IF NOT EXISTS sent (
    path BLOB PRIMARY KEY, hash TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL, gone_at REAL
)
"""


class Entry(NamedTuple):
    """A file whose events the broker has."""

    hash: str
    look: Look


class SentFiles:
    """The ledger of one folder; one process has it. A context manager.

    Args:
        place: the file, made if it is missing.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._entries: dict[str, Entry] = {}
        self._gone: set[str] = set()

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            ConfigurationError: another process has it, or it cannot be used.
        """
        try:
            self._place.parent.mkdir(parents=True, exist_ok=True)
            lock = self._place.with_suffix(".lock")
            self._lock = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as exc:
            raise ConfigurationError(
                f"The ledger {self._place} cannot be used: {exc.strerror}. Name another folder "
                "with STREAMAGENTS_DATA_DIR."
            ) from exc
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel lets go for us
            self._open()
        except BlockingIOError as exc:
            os.close(self._lock)
            raise ConfigurationError(
                f"The folder {self._place.stem!r} is watched by another process already, one "
                f"that holds {lock}."
            ) from exc
        except BaseException:
            os.close(self._lock)
            raise
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._database.close()
        os.close(self._lock)

    def get(self, path: str) -> Entry | None:
        """What is known of a path."""
        return self._entries.get(path)

    def add(self, path: str, hash_: str, look: Look) -> None:
        """Note that the broker has a file's events; durable when it returns.

        Raises:
            StateError: it cannot be written.
        """
        self._write(
            "INSERT OR REPLACE INTO sent VALUES (?, ?, ?, ?, ?, NULL)",
            [(os.fsencode(path), hash_, look.size, look.mtime_ns, look.inode)],
        )
        self._entries[path] = Entry(hash_, look)
        self._gone.discard(path)

    def seen(self, paths: Collection[str], now: float) -> None:
        """Take note of which files are there; what is gone for long is forgotten.

        Args:
            paths: all files of the folder.
            now: seconds since the epoch.

        Raises:
            StateError: it cannot be written.
        """
        gone = self._entries.keys() - paths
        left, back = gone - self._gone, self._gone - gone
        if left or back:
            changes: list[tuple[object, ...]] = [(now, os.fsencode(path)) for path in left]
            changes += [(None, os.fsencode(path)) for path in back]
            self._write("UPDATE sent SET gone_at = ? WHERE path = ?", changes)
            self._gone = gone
        if gone:
            self._forget(now)

    def _forget(self, now: float) -> None:
        old = (
            "SELECT path FROM sent WHERE gone_at < ? UNION SELECT path FROM (SELECT path FROM sent "
            "WHERE gone_at IS NOT NULL ORDER BY gone_at DESC LIMIT -1 OFFSET ?)"
        )
        try:
            found = self._database.execute(old, (now - KEPT_S, MOST_GONE)).fetchall()
        except sqlite3.Error as exc:
            raise self._fault(exc) from exc
        if found:
            self._write("DELETE FROM sent WHERE path = ?", found)
        for (path,) in found:
            self._entries.pop(os.fsdecode(path), None)
            self._gone.discard(os.fsdecode(path))

    def _open(self) -> None:
        try:
            # Its calls come from one task, but through threads: never two at once.
            self._database = sqlite3.connect(
                self._place, isolation_level=None, check_same_thread=False
            )
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.execute(_SCHEMA)
            rows = self._database.execute("SELECT * FROM sent").fetchall()
        except sqlite3.Error as exc:
            raise _unusable(self._place, exc) from exc
        for path, hash_, size, mtime_ns, inode, gone_at in rows:
            name = os.fsdecode(path)
            self._entries[name] = Entry(hash_, Look(size, mtime_ns, inode))
            if gone_at is not None:
                self._gone.add(name)

    def _write(self, statement: str, rows: list[tuple[object, ...]]) -> None:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._database.executemany(statement, rows)
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")
        except sqlite3.Error as exc:
            raise self._fault(exc) from exc

    def _fault(self, exc: sqlite3.Error) -> StateError:
        return StateError(f"The ledger {self._place} cannot be written: {exc}.")


def _unusable(place: Path, exc: sqlite3.Error) -> ConfigurationError:
    """A damaged ledger is of no use any more; one on a full disk is."""
    if getattr(exc, "sqlite_errorcode", None) in _DAMAGED:
        return ConfigurationError(
            f"The ledger {place} cannot be read ({exc}): delete it. What still lies in the folder "
            "is then sent once more, under the same ids."
        )
    return ConfigurationError(
        f"The ledger {place} cannot be used ({exc}): make room on its disk, see to its rights, or "
        "name another folder with STREAMAGENTS_DATA_DIR."
    )
