"""What a Prometheus of the tests looks at: the demo, a worker that pays its model, a stand-in."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from streamagents.bus import KafkaBus
from streamagents.devkit.sockets import free_port
from streamagents.ops.calls import PollMetrics
from streamagents.ops.metrics import CONTENT_TYPE, GatewayMetrics
from streamagents.ports import Outgoing
from support import wait_until
from support.commands import CHECKOUT
from support.prometheus import Prometheus, running_prometheus
from support.workers import Fleet, job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CALL_TOKENS = 150
_CALLS = 24
"""That the day's budget of the askers pays for."""
_FAILURES = 5
"""Of the askers' model at first: their circuit opens."""


@contextmanager
def watched(bootstrap: str, folder: Path, rules: Path) -> Iterator[Prometheus]:
    """A Prometheus with the rules, and a whole small installation under work."""
    demo_port, asker_port = free_port(), free_port()
    with ExitStack() as stack:
        other_port = stack.enter_context(_stand_in())
        targets = {
            "streamagents-worker": [f"127.0.0.1:{demo_port}", f"127.0.0.1:{asker_port}"],
            "streamagents-gateway": [f"127.0.0.1:{other_port}"],
        }
        # First: a counter that is not seen at 0 does not grow.
        prometheus = stack.enter_context(
            running_prometheus(folder, targets, rules=[rules], interval_s=1)
        )
        stack.enter_context(_askers(bootstrap, folder, asker_port, prometheus))
        demo = stack.enter_context(_demo(bootstrap, folder, demo_port))

        def all_up() -> bool:
            assert demo.poll() is None, (folder / "demo.txt").read_text()
            return set(prometheus.reached().values()) == {"up"}

        wait_until(all_up, 60)
        asyncio.run(_same_id_twice(bootstrap, f"{folder.name}.new_lead"))
        yield prometheus


@contextmanager
def _demo(bootstrap: str, folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    env = {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT),
        "STREAMAGENTS_BROKER": bootstrap,
        "STREAMAGENTS_DATA_DIR": str(folder / "demo"),
        "STREAMAGENTS_TOPIC_PREFIX": f"{folder.name}.",
        "STREAMAGENTS_WEB_PORT": str(port),
    }
    with (folder / "demo.txt").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamagents", "demo"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=env,
            cwd=folder,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def _same_id_twice(bootstrap: str, topic: str) -> None:
    """One event of an outsider, and another one under its id."""
    async with KafkaBus(bootstrap) as bus:
        for company in ("Nordwind", "Other bytes"):
            data = {"email": "ann@example.com", "company": company}
            value = json.dumps({"id": "outsider-1", "type": "new_lead", "data": data}).encode()
            await bus.send(Outgoing(topic=topic, key=b"ann@example.com", value=value))


@contextmanager
def _askers(bootstrap: str, folder: Path, port: int, seen_by: Prometheus) -> Iterator[None]:
    (folder / "askers").mkdir()
    fleet = Fleet(bootstrap, folder / "askers", module="support.askers_app")

    async def enter() -> None:
        await fleet.__aenter__()

    asyncio.run(enter())
    try:
        fleet.start(
            STREAMAGENTS_WEB_PORT=str(port),
            STREAMAGENTS_BUDGET_TOKENS_PER_DAY=str(_CALLS * _CALL_TOKENS),
            ASKERS_FAIL_FIRST=str(_FAILURES),
            ASKERS_SECONDS="0.3",
        )
        wait_until(lambda: seen_by.reached().get(f"127.0.0.1:{port}") == "up", 20)
        asyncio.run(fleet.send("ask", [job(n, f"k{n}") for n in range(60)]))
        yield
    finally:
        asyncio.run(fleet.__aexit__(None, None, None))


@contextmanager
def _stand_in() -> Iterator[int]:
    """What gateways, monitors and schedules show, made by what makes it there."""
    metrics, polls = GatewayMetrics(["events", "stripe"]), PollMetrics(["feed"], ["daily"])
    metrics.registry.register(polls)

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", CONTENT_TYPE)
            self.end_headers()
            with suppress(OSError):  # nobody waits any more
                self.wfile.write(metrics.exposition())
            metrics.requests.answered("events", 202, 0.01)
            metrics.requests.answered("stripe", 401, 0.01)
            polls.polled("feed", "ok", datetime.now(UTC))
            polls.fired("daily", "fired", datetime.now(UTC))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
