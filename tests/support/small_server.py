"""A small server: broker, worker and gateway, kept running by the script that cron runs."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sysconfig
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import psutil

from streamagents.bus import KafkaBus, read_all
from streamagents.devkit.process import BrokerRecord
from streamagents.devkit.sockets import free_port
from streamagents.ports import Outgoing
from support.commands import CHECKOUT, streamagents
from support.pages import Scrape

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SCRIPT = CHECKOUT / "deploy" / "boring" / "keep-running.sh"
NAMES = ("broker", "worker", "gateway")
MIB = 1 << 20
_RUN_S = 240


class SmallServer:
    """A small server that cron looks after.

    Args:
        folder: for settings and data.
        under: a command that runs the script, for one that bounds its memory.
    """

    def __init__(self, folder: Path, *, under: Iterable[str] = ()) -> None:
        self.folder, self.data, self._under = folder, folder / "data", tuple(under)
        self.port = free_port()
        self.settings = {
            "STREAMAGENTS_DATA_DIR": str(self.data),
            "STREAMAGENTS_KAFKA_PORT": str(self.port),
            "STREAMAGENTS_WEB_PORT": str(free_port()),
            "STREAMAGENTS_GATEWAY_PORT": str(free_port()),
            "PYTHONPATH": str(CHECKOUT),
            "KEEP_BIN": sysconfig.get_path("scripts"),
            "KEEP_GRACE_S": "0",
            "KEEP_TRIES": "0",
        }

    @property
    def bootstrap(self) -> str:
        """Where its Kafka is."""
        return f"127.0.0.1:{self.port}"

    def minute(self) -> tuple[int, str]:
        """One run of cron's: its exit code and what it would mail."""
        lines = [f"{name}={value}\n" for name, value in self.settings.items()]
        (self.folder / ".env").write_text("".join(lines))
        done = subprocess.run(
            [*self._under, SCRIPT, self.folder / ".env"],
            check=False,
            env={name: os.environ[name] for name in ("PATH", "HOME")},
            capture_output=True,
            text=True,
            timeout=_RUN_S,
        )
        return done.returncode, done.stderr + done.stdout

    def process(self, name: str) -> psutil.Process:
        """The newest of this name that was started."""
        if name == "broker":
            record = BrokerRecord.load(self.data / "kafka" / "broker.json")
            assert record is not None
            return psutil.Process(record.pid)
        return psutil.Process(int((self.data / "run" / f"{name}.pid").read_text().split()[0]))

    def memory(self) -> Counter[str]:
        """Bytes of resident memory, by process."""
        return Counter({name: self.process(name).memory_info().rss for name in NAMES})

    def shares(self) -> Counter[str]:
        """The same, where what several of them have in common counts once."""
        return Counter({name: self.process(name).memory_full_info().pss for name in NAMES})

    def stop(self) -> None:
        """End all of it."""
        for name in reversed(NAMES):
            if name != "broker" and (self.data / "run" / f"{name}.pid").exists():
                try:
                    process = self.process(name)
                except psutil.NoSuchProcess:
                    continue
                process.kill()
                process.wait(20)
        streamagents("kafka", "down", env=self.settings)

    # -- events ----------------------------------------------------------------------------------

    def send(self, numbers: Iterable[int]) -> None:
        """Send mentions, all at once; the same number is the same event."""
        asyncio.run(self._send(list(numbers)))

    async def _send(self, numbers: list[int]) -> None:
        async with KafkaBus(self.bootstrap, timeout_s=60) as bus:
            sent = partial(Outgoing, topic="mention", headers=())
            await asyncio.gather(
                *(bus.send(sent(key=f"author-{n}".encode(), value=mention(n))) for n in numbers)
            )

    def is_done(self, count: int) -> bool:
        """Whether the worker has handled so many mentions, and all that came of them."""
        scrape = Scrape(int(self.settings["STREAMAGENTS_WEB_PORT"]))
        handled = scrape.value("events_processed_total", topic="mention", outcome="ok")
        return handled == count and scrape.value("consumer_lag") == 0

    def classified(self) -> int:
        """How many mentions were."""
        return len(asyncio.run(read_all(self.bootstrap, "mention_classified")))


def mention(n: int) -> bytes:
    """Somebody is not happy."""
    text = "The app is broken, and support is useless!"
    return json.dumps({"id": f"m-{n}", "author": f"author-{n}", "text": text}).encode()
