"""One round: a broker, topics, workers, a sender, the planned faults; then what they left."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiokafka.errors import KafkaError

from chaos.checker import Verdict, judge
from chaos.evidence import load
from chaos.fleet import CHECKOUT, Fleet, worker_env
from chaos.raw import Progress, dump
from chaos.sender import Sender
from streamagents.devkit.broker import EmbeddedBroker
from streamagents.devkit.sockets import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from chaos.plan import Plan

GROUP = "chaos"
_LOOK_S = 0.5
_LATE_S = 3.0
"""After the last commit: a run that comes too late would show now."""
_ASK_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where and how a round is played."""

    folder: Path
    app: str = "chaos.app"
    limit_s: float = 480.0
    """From the first agent's start to the last commit."""
    port: int = 0
    """The broker's; 0: any that is free."""


def play(plan: Plan, stage: Stage) -> Verdict:
    """Play a round in a folder and judge it."""
    stage.folder.mkdir(parents=True)
    (stage.folder / "plan.json").write_text(json.dumps(plan.as_dict()))
    _quiet_drivers(stage.folder / "sender.log")
    began = time.monotonic()
    with EmbeddedBroker(stage.folder / "broker", stage.port or free_port()) as broker:
        asyncio.run(_play(plan, stage, broker))
    verdict = judge(load(stage.folder))
    verdict.tally["seconds"] = round(time.monotonic() - began)
    return verdict


async def _play(plan: Plan, stage: Stage, broker: EmbeddedBroker) -> None:
    await _apply_topics(broker.address, stage)
    sender = Sender(broker.address, plan)
    sending = asyncio.create_task(sender.run())
    await sender.waits.wait()
    fleet = Fleet(stage.folder, broker, plan, stage.app)
    try:
        finished = await _hurt(
            plan, stage, broker=broker, fleet=fleet, sender=sender, sending=sending
        )
    finally:
        sending.cancel()
        await fleet.stop()
    await _write_evidence(stage, broker.address, sender, fleet, finished=finished)


async def _hurt(
    plan: Plan,
    stage: Stage,
    *,
    broker: EmbeddedBroker,
    fleet: Fleet,
    sender: Sender,
    sending: asyncio.Task[None],
) -> bool:
    """Let the plan happen; whether all was committed in time."""
    supervisor = asyncio.create_task(fleet.supervise())
    try:
        await _first_start(stage, supervisor)
        sender.begin.set()
        began = time.monotonic()
        for fault in plan.faults:
            await asyncio.sleep(max(0.0, began + fault.at - time.monotonic()))
            await fleet.strike(fault)
        await sending
        await fleet.settled()
        finished = await _all_committed(broker.address, began + stage.limit_s, supervisor)
        await asyncio.sleep(_LATE_S)
        return finished
    finally:
        supervisor.cancel()
        await asyncio.wait([supervisor])


def _quiet_drivers(log: Path) -> None:
    """What our own clients say of a broker that is away, on purpose, is nothing for a screen."""
    logger = logging.getLogger("aiokafka")
    logger.propagate = False
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.addHandler(logging.FileHandler(log))


async def _apply_topics(bootstrap: str, stage: Stage) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "streamagents",
        "topics",
        "apply",
        "--app",
        stage.app,
        env=worker_env(stage.folder, bootstrap, 1),
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"topics apply: {said.decode()}")


async def _first_start(stage: Stage, supervisor: asyncio.Task[None]) -> None:
    journal = stage.folder / "journal.jsonl"
    deadline = time.monotonic() + 60
    while not journal.exists() and time.monotonic() < deadline:
        _alive(supervisor)
        await asyncio.sleep(0.05)


async def _all_committed(bootstrap: str, deadline: float, supervisor: asyncio.Task[None]) -> bool:
    async with Progress(bootstrap, GROUP) as progress:
        while time.monotonic() < deadline:
            _alive(supervisor)
            try:
                if not await asyncio.wait_for(progress.behind(), _ASK_S):
                    return True
            except (KafkaError, TimeoutError):
                pass  # it is asked again
            await asyncio.sleep(_LOOK_S)
    return False


def _alive(supervisor: asyncio.Task[None]) -> None:
    if supervisor.done():
        supervisor.result()


async def _write_evidence(
    stage: Stage, bootstrap: str, sender: Sender, fleet: Fleet, *, finished: bool
) -> None:
    async with Progress(bootstrap, GROUP) as progress:
        behind = await progress.behind()
    with (stage.folder / "topics.jsonl").open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in await dump(bootstrap))
    facts: dict[str, Any] = {
        "acknowledged": sorted(sender.acknowledged),
        "faults": fleet.faults,
        "behind": behind,
        "finished": finished,
        "ends": dict(fleet.ends),
    }
    (stage.folder / "facts.json").write_text(json.dumps(facts))
