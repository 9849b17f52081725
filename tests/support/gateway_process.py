"""`streamagents gateway` as a process of its own, and who posts to it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import aiohttp

from streamagents.devkit.sockets import free_port
from support import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

CHECKOUT = Path(__file__).parents[2]
_RETRY_S = 0.5


class GatewayProcess:
    """`with GatewayProcess(broker.address, folder) as gateway:` serves `support.gateway_app`."""

    def __init__(
        self,
        broker: str,
        folder: Path,
        *,
        app: str = "support.gateway_app",
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.port = free_port()
        self.log = folder / "gateway.log"
        self._env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("STREAMAGENTS_")},
            "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'tests'}",
            "STREAMAGENTS_BROKER": broker,
            "STREAMAGENTS_GATEWAY_PORT": str(self.port),
            **(env or {}),
        }
        self._app = app
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def rss_mib(self) -> float:
        """What it holds in memory."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamagents", "gateway", "--app", self._app],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
            )
        wait_until(lambda: "gateway_serves" in self.said() or self.has_ended, 180)
        assert not self.has_ended, self.said()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self.process is not None
        if not self.has_ended:
            self.process.kill()
        self.process.wait(timeout=10)

    @property
    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def said(self) -> str:
        return self.log.read_text()

    def stop(self) -> None:
        """Ask it to end."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)


@dataclass
class Sender:
    """Posts pings at a steady rate, each until it is accepted, under one id."""

    url: str
    accepted: dict[str, float] = field(default_factory=dict)
    """By id the seconds that the accepted request took."""
    refused: list[tuple[int, float]] = field(default_factory=list)
    """Statuses other than 202, and how long each took; 0 is a broken connection."""

    async def run(
        self, count: int, per_second: float, *, give_up_s: float = 60.0, body: str = ""
    ) -> None:
        """Send so many pings, and return when each was accepted."""
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            began, tasks = time.monotonic(), []
            for number in range(count):
                wait_s = began + number / per_second - time.monotonic()
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                tasks.append(
                    asyncio.create_task(self._send(session, f"p{number}", body, give_up_s))
                )
            await asyncio.gather(*tasks)

    async def _send(
        self, session: aiohttp.ClientSession, id_: str, body: str, give_up_s: float
    ) -> None:
        give_up = time.monotonic() + give_up_s
        data: dict[str, Any] = {"who": f"w{hash(id_) % 50}", "text": body}
        while time.monotonic() < give_up:
            began = time.monotonic()
            try:
                async with session.post(
                    f"{self.url}/events/ping", json=data, headers={"ce-id": id_}
                ) as response:
                    status = response.status
            except aiohttp.ClientError:
                status = 0
            took = time.monotonic() - began
            if status == 202:
                self.accepted[id_] = took
                return
            self.refused.append((status, took))
            await asyncio.sleep(_RETRY_S)

    def percentile(self, share: float) -> float:
        """Of the accepted requests, in milliseconds."""
        times = sorted(self.accepted.values())
        return times[min(len(times) - 1, int(share * len(times)))] * 1000
