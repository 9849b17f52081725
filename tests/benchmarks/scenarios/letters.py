"""Dead letters by hand: 100,000 of them are counted, shown, exported, and sent again."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.figures import MIB, Figure, listed
from benchmarks.process import BenchmarkError
from benchmarks.stage import clean_env
from streamagents.bus import KafkaBus
from streamagents.pipeline.replay import Stage as Said
from streamagents.ports import Position
from streamagents.review.states import word
from streamagents.topics import AUDIT, LETTERS
from support.commands import SCRIPT
from support.post import ours
from support.topics import create_topics, spec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.plan import Plan
    from benchmarks.stage import Stage
    from streamagents.ports import Outgoing
    from streamagents.topics import TopicSpec

MANY = 100_000
PARTITIONS = 4
BATCH = 2000
PLAIN, REPLAYED = "letters.", "replayed."
"""Prefixes: letters that nobody has touched, and letters of which each was sent again."""
COMMANDS: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("list", PLAIN, ("list",), "< 5"),
    ("list, all replayed before", REPLAYED, ("list",), "< 5"),
    ("list --json", PLAIN, ("list", "--json"), ""),
    ("show", PLAIN, ("show", "--limit", "1"), ""),
    ("export", PLAIN, ("export",), ""),
    ("replay --dry-run", PLAIN, ("replay", "--dry-run"), ""),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What a command took."""

    seconds: float
    cpu_s: float
    rss_bytes: int


def measure(stage: Stage, plan: Plan) -> Iterator[Figure]:
    """Each command in a process of its own; replayed is once, for then they are under way."""
    folder = stage.folder / "letters"
    folder.mkdir()
    asyncio.run(_fill(stage.broker.address))
    for name, prefix, arguments, target in COMMANDS:
        rounds = [_run(stage, folder, prefix, *arguments) for _ in range(plan.rounds)]
        plan.say(f"letters: {name} {listed([used.seconds for used in rounds], 1)} s")
        yield _figure(name, rounds, target)
    replayed = [_run(stage, folder, PLAIN, "replay", "--yes")]
    yield _figure("replay", replayed, "")


def _run(stage: Stage, folder: Path, prefix: str, *arguments: str) -> Used:
    env = clean_env(
        STREAMAGENTS_BROKER=stage.broker.address,
        STREAMAGENTS_TOPIC_PREFIX=prefix,
        STREAMAGENTS_APP="support.works_app",
    )
    began = time.monotonic()
    with (folder / "said").open("wb") as said:
        process = os.posix_spawn(
            sys.executable,
            [sys.executable, "-c", SCRIPT, "dlq", *arguments],
            env,
            file_actions=[(os.POSIX_SPAWN_DUP2, said.fileno(), number) for number in (1, 2)],
        )
        _, status, usage = os.wait4(process, 0)
    if os.waitstatus_to_exitcode(status):
        raise BenchmarkError(f"{' '.join(arguments)}: {(folder / 'said').read_text()[-500:]}")
    return Used(
        seconds=time.monotonic() - began,
        cpu_s=usage.ru_utime + usage.ru_stime,
        rss_bytes=usage.ru_maxrss << 10,
    )


def _figure(name: str, rounds: list[Used], target: str) -> Figure:
    found = [used.seconds for used in rounds]
    cpu_s = statistics.median(used.cpu_s for used in rounds)
    rss = max(used.rss_bytes for used in rounds)
    return Figure(
        scenario="letters",
        name=f"{name} of {MANY:,} letters",
        value=statistics.median(found),
        unit="s",
        rounds=tuple(found),
        target=target,
        detail=f"rounds {listed(found, 1)}; {cpu_s:.1f} s of CPU, RSS {rss / MIB:.0f} MiB",
    )


# -- what lies there -------------------------------------------------------------------------------


async def _fill(bootstrap: str) -> None:
    for prefix in (PLAIN, REPLAYED):
        await create_topics(bootstrap, *_topics(prefix))
        async with KafkaBus(bootstrap) as bus:
            for first in range(0, MANY, BATCH):
                await bus.send_all([_letter(prefix, n) for n in range(first, first + BATCH)])
            for first in range(0, MANY if prefix == REPLAYED else 0, BATCH):
                await bus.send_all([_word(prefix, n) for n in range(first, first + BATCH)])


def _topics(prefix: str) -> list[TopicSpec]:
    names = ("task", "task.dlq", LETTERS, AUDIT)
    return [spec(prefix + name, partitions=PARTITIONS) for name in names]


def _letter(prefix: str, number: int) -> Outgoing:
    """One of about 1.7 kB, as works_app's group writes it."""
    who = f"k{number % 500}"
    data = {"n": number, "who": who, "what": "x" * 200}
    return ours(
        json.dumps(data).encode(),
        topic=prefix + "task",
        offset=number // PARTITIONS,
        partition=number % PARTITIONS,
        key=who.encode(),
        headers=(),
        group=prefix + "works",
        agent="TaskAgent",
        error=ValueError("y" * 700),
    )


def _word(prefix: str, number: int) -> Outgoing:
    at = Position(f"{prefix}task.dlq", number % PARTITIONS, number // PARTITIONS)
    now = "2026-11-23T04:00:00Z"
    return word(prefix + LETTERS, at, Said.REPLAYED, replay=1, by="somebody@there", now=now)
