"""The boring way on one small machine, for real: cron's script, the embedded broker, our processes.

The worker takes part once it has pages that can be asked.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sysconfig
from functools import partial
from typing import TYPE_CHECKING

import psutil
import pytest

from streamagents.bus import KafkaBus, read_all
from streamagents.devkit.process import BrokerRecord
from streamagents.devkit.sockets import free_port
from streamagents.ports import Outgoing
from support import wait_until
from support.commands import CHECKOUT, streamagents
from support.deployment import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

SCRIPT = CHECKOUT / "deploy" / "boring" / "keep-running.sh"
EVENTS = 1_000
"""A day's, at once."""
MIB = 1 << 20
MOST_MIB = 700


class Server:
    """A small server that cron looks after."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.port = free_port()
        self.settings = {
            "STREAMAGENTS_DATA_DIR": str(self.data),
            "STREAMAGENTS_KAFKA_PORT": str(self.port),
            "STREAMAGENTS_WEB_PORT": str(free_port()),
            "STREAMAGENTS_GATEWAY_PORT": str(free_port()),
            "PYTHONPATH": str(CHECKOUT),
            "KEEP": " ".join(self.names()),
            "KEEP_BIN": sysconfig.get_path("scripts"),
            "KEEP_GRACE_S": "0",
            "KEEP_TRIES": "0",
        }

    @staticmethod
    def names() -> list[str]:
        worker = ["worker"] if "STREAMAGENTS_WEB_PORT" in SETTINGS else []
        return ["broker", *worker, "gateway"]

    def minute(self) -> tuple[int, str]:
        """One run of cron's: its exit code and what it would mail."""
        lines = [f"{name}={value}\n" for name, value in self.settings.items()]
        (self.folder / ".env").write_text("".join(lines))
        done = subprocess.run(
            [SCRIPT, self.folder / ".env"],
            check=False,
            env={name: os.environ[name] for name in ("PATH", "HOME")},
            capture_output=True,
            text=True,
            timeout=150,
        )
        return done.returncode, done.stderr + done.stdout

    def process(self, name: str) -> psutil.Process:
        if name == "broker":
            record = BrokerRecord.load(self.data / "kafka" / "broker.json")
            assert record is not None
            return psutil.Process(record.pid)
        return psutil.Process(int((self.data / "run" / f"{name}.pid").read_text().split()[0]))

    def memory(self) -> dict[str, int]:
        """MiB of resident memory, by process."""
        return {name: self.process(name).memory_info().rss // MIB for name in self.names()}

    def stop(self) -> None:
        for name in reversed(self.names()):
            if name != "broker" and (self.data / "run" / f"{name}.pid").exists():
                process = self.process(name)
                process.kill()
                process.wait(20)
        streamagents("kafka", "down", env=self.settings)


@pytest.fixture
def server(kafka_runs: None, tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.stop()


@pytest.mark.long
def test_it_starts_fits_a_small_server_and_comes_back(
    server: Server, record_property: Callable[[str, object], None]
) -> None:
    code, said = server.minute()
    assert code == 0, said
    assert [f"The {name} was down" in said for name in server.names()] == [True] * len(
        server.names()
    )
    assert server.minute() == (0, "")

    most = load(server)
    record_property("mib", most)
    assert sum(most.values()) <= MOST_MIB, most

    for name in server.names()[1:]:
        server.process(name).kill()
    server.process("broker").send_signal(signal.SIGSTOP)
    code, said = server.minute()
    assert code == 0, said
    assert "The broker lives, but does not answer: it is ended." in said
    assert [f"The {name} was down" in said for name in server.names()] == [True] * len(
        server.names()
    )
    assert server.minute() == (0, "")


def load(server: Server) -> dict[str, int]:
    """Send a day's events at once, wait for what becomes of them; the most memory meanwhile."""
    if "worker" not in server.names():
        return server.memory()
    bootstrap = f"127.0.0.1:{server.port}"
    most = server.memory()
    asyncio.run(send(bootstrap))

    def done() -> bool:
        for name, now in server.memory().items():
            most[name] = max(most[name], now)
        return len(asyncio.run(read_all(bootstrap, "mention_classified"))) == EVENTS

    wait_until(done, 60)
    return most


async def send(bootstrap: str) -> None:
    async with KafkaBus(bootstrap, timeout_s=60) as bus:
        sent = partial(Outgoing, topic="mention", headers=())
        await asyncio.gather(
            *(bus.send(sent(key=f"author-{n}".encode(), value=mention(n))) for n in range(EVENTS))
        )


def mention(n: int) -> bytes:
    text = "The app is broken, and support is useless!"
    return json.dumps({"id": f"m-{n}", "author": f"author-{n}", "text": text}).encode()
