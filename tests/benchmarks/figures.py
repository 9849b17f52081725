"""The figures: what is measured, how, and what was hoped for."""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from benchmarks.stage import clean_env
from streamagents.devkit.broker import EmbeddedBroker
from streamagents.devkit.sockets import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.stage import Stage

EVENTS = 20_000
KEYS = 5_000
SLEEP_S = 0.5
IN_FLIGHT = 1000
ROUNDS = 3
_MIB = 1 << 20
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table."""

    name: str
    value: float
    unit: str
    target: str
    detail: str
    command: str


def slow_agents(stage: Stage) -> list[Figure]:
    """How much of the time of many agents that wait is theirs, and not ours."""
    found = stage.measure("benchmarks.app", events=EVENTS, sleep_s=SLEEP_S)
    ideal_s = EVENTS * SLEEP_S / IN_FLIGHT
    command = f"BENCH_EVENTS={EVENTS} BENCH_SLEEP_S={SLEEP_S} faust -A benchmarks.app worker"
    return [
        Figure(
            name="1,000 slow agents at once, share of the ideal time",
            value=100 * ideal_s / found["seconds"],
            unit="%",
            target=">= 95",
            detail=f"{EVENTS} events, {KEYS} keys, {SLEEP_S} s each: {found['seconds']:.2f} s of "
            f"{ideal_s:.1f}; out of order {found['disorder']}",
            command=command,
        ),
        Figure(
            name="most agents at once",
            value=found["most"],
            unit="",
            target=f"<= {IN_FLIGHT}",
            detail="counted in the agent",
            command=command,
        ),
    ]


def deduplication(stage: Stage) -> list[Figure]:
    """Our deduplication against a bare Faust table, by turns on the same topic of unique ids."""
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(ROUNDS):
        for module, rates in (("benchmarks.app", ours), ("benchmarks.bare", bare)):
            found = stage.measure(module, events=EVENTS)
            rates.append(found["events"] / found["seconds"])
    return [
        Figure(
            name="deduplicated events, against a bare Faust table",
            value=statistics.median(ours) / statistics.median(bare),
            unit="x",
            target=">= 1.0",
            detail=f"{EVENTS} unique ids, {ROUNDS} rounds by turns, events/s: ours (durable) "
            f"{_rates(ours)}, bare (not awaited) {_rates(bare)}",
            command=f"BENCH_EVENTS={EVENTS} faust -A benchmarks.app|benchmarks.bare worker",
        )
    ]


def memory(folder: Path) -> list[Figure]:
    """What the demo needs: worker and embedded broker together, at their most."""
    port = free_port()
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
        raise RuntimeError(f"the demo ended with {process.returncode}, see {log}")
    return [
        Figure(
            name="memory of worker and embedded broker",
            value=most / _MIB,
            unit="MiB",
            target="<= 400",
            detail=f"at most, in `demo --once`: worker {parts[0] / _MIB:.0f}, broker "
            f"{parts[1] / _MIB:.0f}",
            command="streamagents demo --once",
        )
    ]


def _watch(process: psutil.Popen, broker: EmbeddedBroker) -> tuple[int, tuple[int, int]]:
    """Look at both until the demo ends: the largest sum, and of what."""
    most, parts = 0, (0, 0)
    deadline = time.monotonic() + 90
    while process.poll() is None and time.monotonic() < deadline:
        try:
            now = (process.memory_info().rss, broker.status().rss_bytes or 0)
        except psutil.NoSuchProcess:
            break
        if sum(now) > most:
            most, parts = sum(now), now
        time.sleep(_LOOK_S)
    return most, parts


def _rates(rates: list[float]) -> str:
    return "/".join(f"{rate:,.0f}" for rate in rates)
