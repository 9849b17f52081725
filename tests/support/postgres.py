"""A real PostgreSQL, from Debian's package, run as another user than root."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.devkit.sockets import free_port
from support import wait_until
from support.tools import one_at_a_time

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_S = 60.0
_UNPACKED = Path("/var/tmp/streamagents-postgresql")  # kept, as the broker's jars are
_SERVER = "usr/lib/postgresql/*/bin/postgres"


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """How to reach it."""

    port: int
    password: str
    pid: int

    @property
    def url(self) -> str:
        return f"postgresql://crm:{self.password}@127.0.0.1:{self.port}/postgres"


@contextmanager
def running_postgres(password: str = "pg-marker") -> Iterator[Postgres]:
    """Run one; skipped where there is none, but not in CI."""
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="streamagents-pg-"))
    user = _user()
    try:
        secret = folder / "password"
        secret.write_text(password)
        if user:
            for path in (folder, secret):
                shutil.chown(path, **user)
        auth = ["-A", "scram-sha-256", "-U", "crm", f"--pwfile={secret}"]
        subprocess.run(
            [binaries / "initdb", "-D", folder / "data", "-E", "UTF8", "--no-sync", *auth],
            check=True,
            capture_output=True,
            timeout=_START_S,
            cwd=folder,
            **user,
        )
        with _served(binaries, folder, user) as (port, pid):
            yield Postgres(port=port, password=password, pid=pid)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _served(binaries: Path, folder: Path, user: dict[str, Any]) -> Iterator[tuple[int, int]]:
    port = free_port()
    options = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "fsync": "off",
        "max_connections": "50",
    }
    told = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [binaries / "postgres", "-D", folder / "data", "-p", str(port), *told],
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,
            **user,
        )
    try:
        wait_until(lambda: server.poll() is not None or _is_ready(binaries, port), _START_S)
        assert server.poll() is None, (folder / "log").read_text()
        yield port, server.pid
    finally:
        server.send_signal(signal.SIGINT)  # the fast way to stop
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _is_ready(binaries: Path, port: int) -> bool:
    """It listens before it takes anybody."""
    knock = binaries / "pg_isready"
    asked = [str(knock), "-q", "-t", "2", "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run(asked, check=False, timeout=10).returncode == 0


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    on_path = shutil.which("postgres")
    if found or on_path:
        return (found[-1] if found else Path(str(on_path))).parent
    with one_at_a_time("debian"):
        unpacked = _unpacked()
    if unpacked is not None:
        return unpacked
    if os.environ.get("CI"):
        pytest.fail("PostgreSQL is not installed, and Debian's package could not be had")
    pytest.skip("PostgreSQL is not installed: apt-get install postgresql")


def _unpacked(folder: Path = _UNPACKED) -> Path | None:
    """Debian's package, unpacked and not installed; not in a home, where only its owner can look.

    PostgreSQL finds its files by the way from its program to them, wherever both are.
    """
    if not list(folder.glob(_SERVER)):
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            return None
        with tempfile.TemporaryDirectory() as archives:
            (Path(archives) / "partial").mkdir()
            _apt("apt-get", "-qq", "update")
            version = re.search(
                r"Depends: postgresql-(\d+)", _apt("apt-cache", "depends", "postgresql")
            )
            if version is None:
                return None
            names = (f"postgresql-{version[1]}", f"postgresql-client-{version[1]}", "libpq5")
            options = ("--reinstall", "--download-only", "--no-install-recommends", "-y", "-qq")
            _apt("apt-get", "install", *options, "-o", f"Dir::Cache::archives={archives}", *names)
            for package in Path(archives).glob("*.deb"):
                subprocess.run(["dpkg", "-x", package, folder], check=True, timeout=120)
    found = sorted(folder.glob(_SERVER))
    return found[-1].parent if found else None


def _apt(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    return done.stdout


def _user() -> dict[str, Any]:
    """PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            known = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": known.pw_uid, "group": known.pw_gid}
    pytest.skip("there is no user that PostgreSQL could run as")
