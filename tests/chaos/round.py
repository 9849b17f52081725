"""One round: brokers, topics, workers, a sender, the planned faults; then what they left."""

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

from chaos.brokers import brokers_of
from chaos.checker import Verdict, judge
from chaos.evidence import load
from chaos.fleet import CHECKOUT, Fleet, worker_env
from chaos.foreign import Foreign
from chaos.raw import Progress, dump
from chaos.segments import broken_commits
from chaos.sender import Sender

if TYPE_CHECKING:
    from pathlib import Path

    from chaos.brokers import Brokers
    from chaos.plan import Plan

GROUP = "chaos"
_FIRST_START_S = 60.0
_LOOK_S = 0.5
_LATE_S = 3.0
"""After the last commit: a run that comes too late would show now."""
_ASK_S = 20.0
_SILENT_S = 40.0
"""Longer than a take-over: what is not heard so long after the longest wait is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where and how a round is played."""

    folder: Path
    app: str = "chaos.app"
    limit_s: float = 480.0
    """From the first agent's start to the last outcome."""
    port: int = 0
    """The broker's; 0: any that is free."""


def play(plan: Plan, stage: Stage) -> Verdict:
    """Play a round in a folder and judge it."""
    stage.folder.mkdir(parents=True)
    (stage.folder / "plan.json").write_text(json.dumps(plan.as_dict()))
    _quiet_drivers(stage.folder / "drivers.log")
    began = time.monotonic()
    with brokers_of(plan.size.brokers, stage.folder / "broker", stage.port) as brokers:
        asyncio.run(Round(plan, stage, brokers).play())
    with (stage.folder / "broken_commits.jsonl").open("w") as file:
        file.writelines(json.dumps(lost) + "\n" for lost in broken_commits(stage.folder / "broker"))
    played = time.monotonic()
    verdict = judge(load(stage.folder))
    verdict.tally["seconds"] = round(played - began)
    verdict.tally["judged_s"] = round(time.monotonic() - played, 1)
    return verdict


class Round:
    """One round, on brokers that run."""

    def __init__(self, plan: Plan, stage: Stage, brokers: Brokers) -> None:
        self._plan, self._stage, self._brokers = plan, stage, brokers
        self._sender = Sender(brokers.address, plan)
        self._foreign = Foreign(brokers.address, plan, stage.folder / "foreign.jsonl")
        self._deadline = 0.0
        self._watched: list[asyncio.Task[None]] = []
        """What must not end before the round does."""

    async def play(self) -> None:
        """Let the plan happen, and write down what it left."""
        await self._apply_topics()
        sending = asyncio.create_task(self._sender.run())
        await self._sender.waits.wait()
        fleet = Fleet(self._stage.folder, self._brokers, self._plan, self._stage.app)
        self._watched = [
            asyncio.create_task(self._foreign.run()),
            asyncio.create_task(fleet.supervise()),
        ]
        try:
            finished = await self._hurt(fleet, sending)
        finally:
            for task in (sending, *self._watched[1:]):
                task.cancel()
            await asyncio.wait([sending, *self._watched[1:]])
            await fleet.stop()
        await asyncio.sleep(_LATE_S)  # what the last of them has written is seen, too
        self._watched[0].cancel()
        await asyncio.wait(self._watched[:1])
        await self._write_evidence(fleet, finished=finished)

    async def _hurt(self, fleet: Fleet, sending: asyncio.Task[None]) -> bool:
        """Let the faults happen; whether all had its outcome in time."""
        await self._first_start()
        self._sender.begin.set()
        began = time.monotonic()
        self._deadline = began + self._stage.limit_s
        for fault in self._plan.faults:
            await asyncio.sleep(max(0.0, began + fault.at - time.monotonic()))
            await fleet.strike(fault)
        await sending
        await fleet.settled()
        finished = await self._all_over(self._foreign.open)
        if finished and self._plan.audits:
            await self._sender.audit()
            finished = await self._all_over(self._foreign.open_audits)
        await asyncio.sleep(_LATE_S)
        return finished

    async def _apply_topics(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "streamagents", "topics", "apply", "--app", self._stage.app),
            env=worker_env(
                self._stage.folder,
                self._brokers.address,
                in_flight=1,
                of=self._plan.size.brokers,
            ),
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"topics apply: {said.decode()}")

    async def _first_start(self) -> None:
        journal = self._stage.folder / "journal.jsonl"
        deadline = time.monotonic() + _FIRST_START_S
        while not journal.exists() and time.monotonic() < deadline:
            self._alive()
            await asyncio.sleep(0.05)

    async def _all_over(self, open_: set[int]) -> bool:
        """Wait until each event has its outcome and everything is committed."""
        waits = (max(event.wait, event.later or 0.0) for event in self._plan.events)
        silent_s = _SILENT_S + max(waits, default=0.0)
        async with Progress(self._brokers.address, GROUP) as progress:
            while time.monotonic() < min(self._deadline, self._foreign.heard_at + silent_s):
                self._alive()
                try:
                    if not open_ and not await asyncio.wait_for(progress.behind(), _ASK_S):
                        return True
                except (KafkaError, TimeoutError):
                    pass  # it is asked again
                await asyncio.sleep(_LOOK_S)
        return False

    def _alive(self) -> None:
        for task in self._watched:
            if task.done():
                task.result()

    async def _write_evidence(self, fleet: Fleet, *, finished: bool) -> None:
        folder, address = self._stage.folder, self._brokers.address
        async with Progress(address, GROUP) as progress:
            behind = await progress.behind()
        with (folder / "topics.jsonl").open("w") as file:
            file.writelines(json.dumps(row) + "\n" for row in await dump(address))
        facts: dict[str, Any] = {
            "acknowledged": sorted(self._sender.acknowledged),
            "faults": fleet.faults,
            "behind": behind,
            "finished": finished,
            "ends": dict(fleet.ends),
        }
        (folder / "facts.json").write_text(json.dumps(facts))


def _quiet_drivers(log: Path) -> None:
    """What our own clients say of a broker that is away, on purpose, is nothing for a screen."""
    logger = logging.getLogger("aiokafka")
    logger.propagate = False
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.addHandler(logging.FileHandler(log))
