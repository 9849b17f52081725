"""What the demo needs: worker and embedded broker together, at their most."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import psutil

from benchmarks.figures import MIB, Figure
from benchmarks.process import BenchmarkError
from benchmarks.stage import clean_env
from streamagents.devkit.broker import EmbeddedBroker
from streamagents.devkit.sockets import free_port

if TYPE_CHECKING:
    from benchmarks.plan import Plan
    from benchmarks.stage import Stage

_LOOK_S = 0.1
_DEMO_S = 90.0


def measure(stage: Stage, plan: Plan) -> list[Figure]:
    """Beside a broker of its own."""
    folder, port = stage.folder / "demo", free_port()
    command = [sys.executable, "-m", "streamagents", "demo", "--once", "--json"]
    broker = EmbeddedBroker(folder, port)
    env = clean_env(STREAMAGENTS_DATA_DIR=str(folder), STREAMAGENTS_KAFKA_PORT=str(port))
    log = folder.with_suffix(".log")
    with log.open("wb") as out:
        process = psutil.Popen(command, env=env, stdout=out, stderr=out)
    try:
        most, parts = _watch(process, broker)
        process.wait(30)
    finally:
        if process.is_running():
            process.terminate()
            process.wait(30)
        broker.stop()
    if process.returncode:
        raise BenchmarkError(f"the demo ended with {process.returncode}: {log}")
    plan.say(f"memory: {most / MIB:.0f} MiB")
    return [
        Figure(
            scenario="memory",
            name="memory of worker and embedded broker",
            value=most / MIB,
            unit="MiB",
            target="<= 400",
            detail=f"at most, in `streamagents demo --once`: worker {parts[0] / MIB:.0f}, broker "
            f"{parts[1] / MIB:.0f}",
        )
    ]


def _watch(process: psutil.Popen, broker: EmbeddedBroker) -> tuple[int, tuple[int, int]]:
    """Look at both until the demo ends: the largest sum, and of what."""
    most, parts = 0, (0, 0)
    deadline = time.monotonic() + _DEMO_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            now = (process.memory_info().rss, broker.status().rss_bytes or 0)
        except psutil.NoSuchProcess:
            break
        if sum(now) > most:
            most, parts = sum(now), now
        time.sleep(_LOOK_S)
    return most, parts
