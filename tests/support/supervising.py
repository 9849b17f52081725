"""A supervisor of the tests: a real datagram socket, as systemd's, and what it was told."""

from __future__ import annotations

import socket
import tempfile
import time
import uuid
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WATCHDOG_S = 2.0


class Listener:
    """Hears the processes that it is named to."""

    def __init__(self, ours: socket.socket, address: str) -> None:
        self._ours, self.address = ours, address
        self.heard: list[str] = []
        """Line by line."""

    @property
    def environment(self) -> dict[str, str]:
        """What systemd says in a unit with `Type=notify` and `WatchdogSec=`."""
        return {"NOTIFY_SOCKET": self.address, "WATCHDOG_USEC": str(int(WATCHDOG_S * 1_000_000))}

    def next(self, timeout_s: float = 10.0) -> list[str]:
        """The lines of one message; none if none comes."""
        self._ours.settimeout(timeout_s)
        try:
            lines = self._ours.recv(4096).decode().split("\n")
        except TimeoutError:
            return []
        self.heard += lines
        return lines

    def until(self, wanted: Callable[[str], bool], timeout_s: float = 40.0) -> str:
        """The first line from here on that is like this."""
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            for line in self.next(left):
                if wanted(line):
                    return line
        raise AssertionError(f"not within {timeout_s:g} s; heard was {self.heard[-12:]}")

    def silence(self) -> bool:
        """Whether the watchdog's time goes by without food; what was under way is taken first."""
        while self.next(0.05):
            pass
        deadline = time.monotonic() + WATCHDOG_S
        while (left := deadline - time.monotonic()) > 0:
            if "WATCHDOG=1" in self.next(left):
                return False
        return True

    def counts(self) -> Counter[str]:
        """How often each line was heard."""
        return Counter(self.heard)


@contextmanager
def listening(*, abstract: bool = False) -> Iterator[Listener]:
    """A socket that processes of this machine can be told of."""
    with (
        tempfile.TemporaryDirectory(prefix="supervisor") as folder,  # a socket's path is short
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours,
    ):
        name = f"streamagents-{uuid.uuid4().hex}"
        path = str(Path(folder) / "notify")
        ours.bind("\0" + name if abstract else path)
        yield Listener(ours, "@" + name if abstract else path)
