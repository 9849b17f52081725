"""The broker's process: started detached, remembered in a record, recognised again, ended."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

import psutil

from streamagents.errors import DevkitError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_CREATE_TIME_SLACK_S = 2.0
_KILL_TIMEOUT_S = 10.0
# What the JVM may see of our environment: never a key or a token of the application.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")


@dataclass(frozen=True, kw_only=True)
class BrokerRecord:
    """Which process is the broker of a folder; `create_time` tells it from a later namesake."""

    pid: int
    create_time: float
    port: int

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Read the record; none when there is none, or none that can be read."""
        try:
            fields = json.loads(path.read_text())
            return cls(
                pid=int(fields["pid"]),
                create_time=float(fields["create_time"]),
                port=int(fields["port"]),
            )
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def save(self, path: Path) -> None:
        """Write the record so that a reader sees it whole or not at all."""
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(path)


@dataclass(frozen=True, kw_only=True)
class SeenProcess:
    """What the system says about the process that has the recorded pid now."""

    create_time: float
    arguments: tuple[str, ...]
    zombie: bool = False


def is_our_broker(record: BrokerRecord, seen: SeenProcess | None, properties: Path) -> bool:
    """Decide whether the process that has the pid now is the broker that was recorded.

    After a reboot the pid may be anybody's. The create time tells them apart, and where the clock
    was set in the meantime, the arguments do: no other process names our properties file.
    """
    if seen is None or seen.zombie:
        return False
    same_start = abs(seen.create_time - record.create_time) <= _CREATE_TIME_SLACK_S
    return same_start or str(properties) in seen.arguments


def recorded_process(path: Path, properties: Path) -> tuple[BrokerRecord, psutil.Process] | None:
    """Return the record and the living process it names; none when the broker does not run."""
    record = BrokerRecord.load(path)
    if record is None:
        return None
    try:
        process = psutil.Process(record.pid)
        if is_our_broker(record, _look_at(process), properties):
            return record, process
    except psutil.NoSuchProcess:
        pass
    return None


def is_alive(process: psutil.Process) -> bool:
    """Tell whether the process still runs; a zombie does not."""
    try:
        return not _look_at(process).zombie
    except psutil.NoSuchProcess:
        return False


def _look_at(process: psutil.Process) -> SeenProcess:
    if process.status() == psutil.STATUS_ZOMBIE:
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(0)  # reaps it where it is our own child
        return SeenProcess(create_time=0, arguments=(), zombie=True)
    try:
        arguments = tuple(process.cmdline())
    except psutil.AccessDenied:
        arguments = ()
    return SeenProcess(create_time=process.create_time(), arguments=arguments)


class _Detached(subprocess.Popen[bytes]):
    """A child that outlives us on purpose, so its handle may go without a warning."""

    def __del__(self) -> None:
        """Say nothing: the record and psutil look after the process from here on."""


def spawn(arguments: Sequence[str], *, log: Path) -> psutil.Process:
    """Start the broker in its own session, with its output in the log.

    Raises:
        DevkitError: it cannot be started at all.
    """
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment["MALLOC_ARENA_MAX"] = "2"  # glibc otherwise keeps an arena per thread, of 80
    try:
        with log.open("ab") as output:
            child = _Detached(
                list(arguments),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=log.parent,
                env=environment,
                start_new_session=True,
            )
        return psutil.Process(child.pid)
    except (OSError, psutil.NoSuchProcess) as exc:
        raise DevkitError(f"The embedded broker could not be started: {exc}.") from exc


def terminate(process: psutil.Process, timeout_s: float) -> None:
    """Ask the broker to end, and end it by force after `timeout_s`.

    Raises:
        DevkitError: the process belongs to another user, or does not even end by force.
    """
    deadline = time.monotonic() + timeout_s
    try:
        process.terminate()
        process.resume()  # a frozen broker would get the signal only when thawed
        process.wait(max(0.0, deadline - time.monotonic()))
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied as exc:
        raise DevkitError(_not_ours(process.pid)) from exc
    except psutil.TimeoutExpired:
        kill(process)


def kill(process: psutil.Process) -> None:
    """End the broker by force.

    Raises:
        DevkitError: the process belongs to another user, or does not end.
    """
    try:
        process.kill()
        process.wait(_KILL_TIMEOUT_S)
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied as exc:
        raise DevkitError(_not_ours(process.pid)) from exc
    except psutil.TimeoutExpired as exc:
        raise DevkitError(
            f"The embedded broker (pid {process.pid}) does not end even by force: its disk may"
            " hang, so look there first."
        ) from exc


def _not_ours(pid: int) -> str:
    return f"The embedded broker (pid {pid}) belongs to another user: stop it as that user."
