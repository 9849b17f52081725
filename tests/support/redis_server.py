"""A real Redis, from Debian's package."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamagents.devkit.sockets import free_port
from support import wait_until
from support.tools import one_at_a_time

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNPACKED = Path("/var/tmp/streamagents-redis")  # kept, as the broker's jars are
_START_S = 20.0


@dataclass
class RedisServer:
    """How to reach it; it can be taken away and brought back."""

    command: list[str]
    env: dict[str, str]
    port: int
    password: str
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, env=self.env)
        running = self.process
        wait_until(lambda: running.poll() is not None or _listens(self.port), _START_S)
        assert running.poll() is None, self.log.read_text()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def running_redis(password: str = "redis-marker") -> Iterator[RedisServer]:
    """Run one; skipped where there is none, but not in CI."""
    binary, libraries = _server()
    folder = Path(tempfile.mkdtemp(prefix="streamagents-redis-"))
    port = free_port()
    options = {
        "--port": str(port),
        "--bind": "127.0.0.1",
        "--dir": str(folder),
        "--requirepass": password,
        "--appendonly": "yes",
        "--save": "",
    }
    command = [str(binary), *(part for option in options.items() for part in option)]
    env = {**os.environ, "LD_LIBRARY_PATH": libraries}
    server = RedisServer(command, env, port, password, folder / "log")
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _listens(port: int) -> bool:
    with socket.socket() as knocking:
        return knocking.connect_ex(("127.0.0.1", port)) == 0


def _server() -> tuple[Path, str]:
    installed = shutil.which("redis-server")
    if installed:
        return Path(installed), ""
    with one_at_a_time("debian"):
        found = _unpacked()
    if found is not None:
        libraries = sorted({str(p.parent) for p in _UNPACKED.glob("usr/lib/**/*.so*")})
        return found, ":".join(libraries)
    if os.environ.get("CI"):
        pytest.fail("Redis is not installed, and Debian's package could not be had")
    pytest.skip("Redis is not installed: apt-get install redis-server")


def _unpacked() -> Path | None:
    """Debian's package with what it needs, unpacked and not installed."""
    binary = _UNPACKED / "usr/bin/redis-check-rdb"  # the server by another name
    server = _UNPACKED / "usr/bin/redis-server"
    if not server.exists():
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            return None
        with tempfile.TemporaryDirectory() as archives:
            (Path(archives) / "partial").mkdir()
            _run("apt-get", "-qq", "update")
            options = ("--reinstall", "--download-only", "--no-install-recommends", "-y", "-qq")
            place = ("-o", f"Dir::Cache::archives={archives}")
            _run("apt-get", "install", *options, *place, "redis-server")
            for package in Path(archives).glob("*.deb"):
                subprocess.run(["dpkg", "-x", package, _UNPACKED], check=True, timeout=120)
    return next((path for path in (server, binary) if path.exists()), None)


def _run(*command: str) -> None:
    subprocess.run(command, check=False, capture_output=True, timeout=300)
