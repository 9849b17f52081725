"""A broker for a while: started if need be, shared with whoever needs it too, stopped by the last.

`demo` and `dev` may run side by side in one data folder. The first starts the broker, the last one
stops it; a broker that `streamagents kafka up` started, or a foreign one, is left as it was.
"""

from __future__ import annotations

import fcntl
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Self

from streamagents.devkit.broker import EmbeddedBroker
from streamagents.devkit.folder import unwritable
from streamagents.errors import DevkitError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from streamagents.settings import Settings

_USERS = "kafka.users"
"""Locked by everybody who uses the broker; names the broker that is to be stopped by the last."""


def silent(_sentence: str) -> None:
    """Tell nobody."""


class BorrowedBroker:
    """The broker that the settings name, running from entry to exit.

    Entered in the main thread, a signal that raises ends its start at any moment and leaves
    nothing behind.
    """

    def __init__(self, settings: Settings, *, notify: Callable[[str], None] = silent) -> None:
        self._notify = notify
        self._embedded = (
            EmbeddedBroker(
                settings.data_dir,
                settings.kafka_port,
                fsync=settings.kafka_fsync,
                heap_mib=settings.kafka_heap_mib,
            )
            if settings.broker is None
            else None
        )
        self._users = settings.data_dir / _USERS
        self._lock: IO[str] | None = None
        self._ours = False
        self.address = settings.bootstrap

    def __enter__(self) -> Self:
        """Start it, unless it runs or is foreign.

        Raises:
            DevkitError: it cannot be started.
        """
        if self._embedded is None:
            return self
        self._lock = self._take_part()
        try:
            self._ours = not self._embedded.status().running
            if self._embedded.start(notify=self._notify):
                self._remember()
        except BaseException:  # Ctrl-C included: who did not begin takes no part
            self._lock.close()
            self._lock = None
            raise
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._embedded is None or self._lock is None:
            return
        with self._lock as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # somebody else needs it, and will stop it
            lock.seek(0)
            if lock.read() == str(self._embedded.status().pid):
                self._embedded.stop()

    def kill(self) -> None:
        """End it by force, if we started it. Its data stays."""
        if self._embedded is not None and self._ours:
            with suppress(DevkitError):  # it does not run
                self._embedded.kill()

    @property
    def rss_bytes(self) -> int:
        """Its memory; 0 for a foreign one."""
        return (self._embedded.status().rss_bytes or 0) if self._embedded is not None else 0

    def _take_part(self) -> IO[str]:
        try:
            self._users.parent.mkdir(parents=True, exist_ok=True)
            lock = self._users.open("a+")
        except OSError as exc:
            raise DevkitError(unwritable(self._users.parent, exc)) from exc
        # Waits for the last one to stop the broker, which ends by force after half a minute.
        fcntl.flock(lock, fcntl.LOCK_SH)
        return lock

    def _remember(self) -> None:
        if self._embedded is not None and self._lock is not None:
            self._lock.truncate(0)
            self._lock.write(str(self._embedded.status().pid))
            self._lock.flush()
