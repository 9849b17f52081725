"""Two workers, steady load, `kill -9` of one: how long until its partitions are handled again."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from benchmarks.contestants import OURS
from benchmarks.figures import Figure, listed
from benchmarks.load import PARTITIONS, SteadyLoad
from streamagents.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.plan import Plan
    from benchmarks.process import Measured
    from benchmarks.stage import Stage

RATE = 200
SEEN = 20_000
MANY_SEEN = 1_000_000
_START_S = 300.0
_TAKE_S = 300.0
_SETTLE_S = 3.0
_RECENT_S = 2.0
STANDBY = next((name for name in Settings.model_fields if "standby" in name), None)
"""The setting by which a worker follows partitions of others, once there is one."""


class Journal:
    """Which partitions a worker handles: the last moment of each, and all moments since."""

    def __init__(self, file: Path) -> None:
        file.touch()
        self._in = file.open()
        self._rest = ""
        self.moments: dict[int, list[float]] = defaultdict(list)

    def read(self) -> dict[int, list[float]]:
        """Everything so far, by partition."""
        *lines, self._rest = (self._rest + self._in.read()).split("\n")
        for line in lines:
            moment, partition = line.split()
            self.moments[int(partition)].append(float(moment))
        return self.moments

    def recent(self) -> set[int]:
        """Partitions that are being handled."""
        since = time.monotonic() - _RECENT_S
        return {partition for partition, moments in self.read().items() if moments[-1] > since}

    def first_after(self, moment: float) -> dict[int, float]:
        """When each partition was handled first since then."""
        return {
            partition: min(later)
            for partition, moments in self.read().items()
            if (later := [m for m in moments if m > moment])
        }


def measure(stage: Stage, plan: Plan) -> list[Figure]:
    """Without standby, and with it if there is such a setting."""
    choices = (
        [("", {})]
        if STANDBY is None
        else [
            (f", standby {count}", {f"STREAMAGENTS_{STANDBY.upper()}": str(count)})
            for count in (0, 1)
        ]
    )
    found: dict[str, list[float]] = defaultdict(list)
    seen = MANY_SEEN if plan.long else SEEN
    for title, env in plan.turns(choices):
        seconds = _take_over(stage, seen, env)
        plan.say(f"take-over{title}: {seconds:.1f} s")
        found[title].append(seconds)
    return [_figure(title, seconds, seen) for title, seconds in found.items()]


def _figure(title: str, seconds: list[float], seen: int) -> Figure:
    timeout_s = Settings.model_fields["session_timeout_s"].default
    return Figure(
        scenario="takeover",
        name=f"take-over after kill -9{title}",
        value=statistics.median(seconds),
        rounds=tuple(seconds),
        unit="s",
        detail=f"two workers with {seen:,} seen ids, {RATE} events/s; from the kill until the last "
        f"of the dead worker's partitions is handled; session timeout {timeout_s:g} s; rounds "
        f"{listed(seconds, 1)}" + ("" if STANDBY else "; there is no setting for standbys"),
    )


def _take_over(stage: Stage, seen: int, env: dict[str, str]) -> float:
    name = stage.name()
    stage.fill(name, events=seen, keys=seen)
    return asyncio.run(_under_load(stage, name, seen, env))


async def _under_load(stage: Stage, name: str, seen: int, env: dict[str, str]) -> float:
    load = SteadyLoad(stage.broker.address, stage.topic(name), rate=RATE)
    sending = asyncio.create_task(load.run(3600, first=seen))
    try:
        return await asyncio.to_thread(_watch, stage, name, seen, env)
    finally:
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending


def _watch(stage: Stage, name: str, seen: int, env: dict[str, str]) -> float:
    files = {place: stage.folder / f"{name}-{place}.journal" for place in ("victim", "heir")}
    victims, heirs = (Journal(file) for file in files.values())

    def worker(place: str) -> Measured:
        return stage.worker(
            OURS,
            name,
            name=name,
            place=f"{name}-{place}",
            BENCH_EVENTS=str(seen),
            BENCH_JOURNAL=str(files[place]),
            **env,
        )

    def share() -> set[int]:
        """The victim's partitions, as soon as both have some and all are handled."""
        his, its = victims.recent(), heirs.recent()
        return his if its and not his & its and len(his | its) == PARTITIONS else set()

    with worker("victim") as victim:
        victim.wait_for(stage.result(f"{name}-victim").exists, _START_S + seen / 1000)
        with worker("heir") as heir:
            heir.wait_for(share, _START_S + seen / 1000)
            time.sleep(_SETTLE_S)
            lost = heir.wait_for(share, _START_S)
            killed = time.monotonic()
            victim.kill()
            heir.wait_for(lambda: lost <= heirs.first_after(killed).keys(), _TAKE_S)
            return max(heirs.first_after(killed)[partition] for partition in lost) - killed
