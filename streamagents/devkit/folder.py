"""Where the embedded broker keeps what: the paths below a data folder, and the lock beside them."""

from __future__ import annotations

import errno
import fcntl
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamagents.errors import DevkitError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_POLL_S = 0.05
DATA_DIR_SETTING = "STREAMAGENTS_DATA_DIR"
DISK_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, kw_only=True)
class BrokerFolder:
    """The paths of one embedded broker below its data folder."""

    data_dir: Path

    @property
    def root(self) -> Path:
        """Everything of the broker but its lock; `reset` deletes it."""
        return self.data_dir / "kafka"

    @property
    def storage(self) -> Path:
        """Kafka's own log dir: topics, offsets, cluster metadata."""
        return self.root / "data"

    @property
    def formatting(self) -> Path:
        """Where a new storage is formatted before it takes its place in one rename."""
        return self.root / "data.formatting"

    @property
    def version(self) -> Path:
        """Names the newest Kafka that has used this storage."""
        return self.root / "kafka.version"

    @property
    def properties(self) -> Path:
        """The configuration of the running broker, written anew at each start."""
        return self.root / "server.properties"

    @property
    def log(self) -> Path:
        """What the broker prints; the life before is kept as `broker.log.1`."""
        return self.root / "broker.log"

    @property
    def record(self) -> Path:
        """Says which process is the broker (the pid file)."""
        return self.root / "broker.json"

    @property
    def lock(self) -> Path:
        """Beside the folder, not in it: `reset` deletes the folder while it holds this lock."""
        return self.data_dir / "kafka.lock"


@contextmanager
def exclusive(
    lock: Path, timeout_s: float, *, what: str, setting: str = DATA_DIR_SETTING, held: str = ""
) -> Iterator[None]:
    """Hold the lock file, which the system lets go when its holder dies.

    Raises:
        DevkitError: the lock file cannot be written, or is still held after `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = lock.open("a")
    except OSError as exc:
        raise DevkitError(unwritable(lock.parent, exc, setting)) from exc
    with handle:
        while not _try_lock(handle.fileno()):
            if time.monotonic() >= deadline:
                raise DevkitError(
                    held
                    or f"Another command has been busy with {what} for more than {timeout_s:g} s:"
                    " wait for it to end, or end it, and try again."
                )
            time.sleep(_POLL_S)
        yield


def unwritable(folder: Path, exc: OSError, setting: str = DATA_DIR_SETTING) -> str:
    """Say in one sentence why nothing can be written into the folder."""
    if exc.errno in DISK_FULL_ERRNOS:
        return disk_full(folder)
    return (
        f"{folder} cannot be written ({exc.strerror or exc}): make it writable, or set {setting} to"
        " another folder."
    )


def disk_full(folder: Path) -> str:
    """Say in one sentence that the disk has no room left."""
    return f"The disk that holds {folder} is full: free some space there and start again."


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
