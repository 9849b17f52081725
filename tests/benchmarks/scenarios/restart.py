"""A worker that knows a million ids: how long it takes to be back, and what they weigh."""

from __future__ import annotations

import json
import shutil
import statistics
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.contestants import OURS
from benchmarks.figures import MIB, Figure, listed
from benchmarks.scenarios import sustained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from benchmarks.plan import Plan
    from benchmarks.run import Run
    from benchmarks.stage import Stage

PROBES = 100
_START_S = 1800.0
_SETTLE_S = 3.0
_BLOCK = 512
FRESH, SAME, WIPED = "no seen ids", "same data folder", "wiped data folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """One start of a worker."""

    seconds: float
    rss_bytes: int


def measure(stage: Stage, plan: Plan) -> Iterator[Figure]:
    """By turns: a worker that knows nothing, and one that comes back; then one without its disk."""
    veteran = stage.veteran or sustained.veteran(stage, plan)
    yield _disk(stage, veteran)
    found = _restarts(stage, plan.turns((FRESH, SAME)), veteran, plan.say)
    yield _start(FRESH, found[FRESH])
    yield _start(SAME, found[SAME])
    yield _memory(found, veteran)
    # On its own, and last: recovery from the changelog may take minutes.
    wiped = plan.turns((WIPED,), rounds=plan.long_rounds)
    yield _start(WIPED, _restarts(stage, wiped, veteran, plan.say)[WIPED])


def _restarts(
    stage: Stage, cases: Iterable[str], veteran: Run, say: Callable[[str], None]
) -> dict[str, list[Restart]]:
    found: dict[str, list[Restart]] = defaultdict(list)
    for case in cases:
        found[case].append(_restart(stage, case, veteran))
        say(f"restart, {case}: {found[case][-1].seconds:.1f} s")
    return found


def _restart(stage: Stage, case: str, veteran: Run) -> Restart:
    if case == WIPED:
        shutil.rmtree(veteran.folder)
    name = stage.name() if case == FRESH else veteran.name
    dataset = name if case == FRESH else sustained.DATASET
    # Ids that nobody has seen: the first of them is the first event.
    stage.add(dataset, events=PROBES, keys=PROBES, seed=time.monotonic_ns())
    with stage.worker(OURS, dataset, name=name) as process:
        process.wait_for(stage.began(name).exists, _START_S)
        began = json.loads(stage.began(name).read_text())["clock"]
        time.sleep(_SETTLE_S)
        rss_bytes = process.rss_now()
    return Restart(seconds=began - process.launched, rss_bytes=rss_bytes)


def _start(case: str, restarts: list[Restart]) -> Figure:
    seconds = [restart.seconds for restart in restarts]
    ids = "" if case == FRESH else f"{sustained.EVENTS:,} seen ids, "
    return Figure(
        scenario="restart",
        name=f"start to first event, {ids}{case}",
        value=statistics.median(seconds),
        rounds=tuple(seconds),
        unit="s",
        detail=f"from the start of the process until its first handler starts; rounds "
        f"{listed(seconds, 1)}",
    )


def _disk(stage: Stage, veteran: Run) -> Figure:
    changelogs = stage.folder.glob(f"broker/**/*.{veteran.name}-*changelog-*")
    changelog_bytes = sum(_on_disk(folder) for folder in changelogs)
    return Figure(
        scenario="restart",
        name="disk for 1,000,000 seen ids",
        value=_on_disk(veteran.folder) / MIB,
        unit="MiB",
        detail=f"RocksDB of the worker, logs included; random UUIDs as ids; the changelog takes "
        f"{changelog_bytes / MIB:.0f} MiB in the broker, not compacted yet",
    )


def _memory(found: dict[str, list[Restart]], veteran: Run) -> Figure:
    fresh, same = (
        statistics.median(restart.rss_bytes for restart in found[case]) for case in (FRESH, SAME)
    )
    return Figure(
        scenario="restart",
        name="memory for 1,000,000 seen ids",
        value=(same - fresh) / MIB,
        unit="MiB",
        detail=f"RSS of a worker that came back {same / MIB:.0f}, of one that knows nothing "
        f"{fresh / MIB:.0f}; the most while it took the ids in {veteran.rss_bytes / MIB:.0f}",
    )


def _on_disk(folder: Path) -> int:
    return sum(file.lstat().st_blocks * _BLOCK for file in folder.rglob("*") if file.is_file())
