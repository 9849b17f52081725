"""The drill itself: load, a broken version, letters, the mended one, and everybody comes home."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drill.checker import judge
from drill.crew import Crew
from drill.evidence import Evidence, Witness
from drill.journal import Reader, told
from drill.load import Load
from drill.operator import Operator, Timeline
from drill.shapes import BROKEN, MENDED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

HOME_S = 300.0
"""From the first letter until the last of them has come home."""
_SETTLED_S = 240.0
_LOOK_S = 0.25
_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenes:
    """How large a drill is. Durations are seconds."""

    a_second: float = 50.0
    """Events of the load."""
    before_s: float = 2.0
    broken_s: float = 3.0
    """For how long the broken version works, once both workers have it."""
    rate: float = 60.0
    """Letters a second of the replay that is killed."""
    replays: int = 10
    """Replayed events that have begun when it is killed."""
    restart: bool = False
    """Of the broker, in the middle of a replay."""


SHORT = Scenes()
LONG = Scenes(a_second=200.0, before_s=10.0, broken_s=40.0, replays=60, restart=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What came of a drill."""

    broken: dict[str, list[str]]
    """By rule, how it was broken."""
    home_s: float
    """From the first letter until the list was empty."""
    events: int
    letters: int


class Drill:
    """One drill, on a broker that runs."""

    def __init__(
        self,
        broker: EmbeddedBroker,
        folder: Path,
        scenes: Scenes,
        *,
        prefix: str,
        app: str = "drill.app",
    ) -> None:
        self._broker, self._scenes = broker, scenes
        self._crew = Crew(folder, broker.address, prefix, app)
        self._timeline = Timeline()
        self._operator = Operator(self._crew.env, folder, self._timeline)
        self._load = Load(broker.address, prefix, scenes.a_second)
        self._prefix = prefix
        self._journal = folder / "journal.jsonl"
        self._reader = Reader(self._journal)
        self._home: set[int] = set()
        """Events that a replay has brought to an agent."""

    async def play(self) -> Ending:
        """Let it happen, and judge it."""
        await self._operator("topics", "apply")
        loading: asyncio.Task[None] | None = None
        try:
            async with Witness(self._broker.address, self._prefix) as witness:
                await self._crew.start()
                self._timeline.tell("two workers are ready, the load begins")
                loading = asyncio.create_task(self._load.run())
                await asyncio.sleep(self._scenes.before_s)
                first = await self._break()
                await self._mend()
                left = await self._bring_home()
                home_s = self._timeline.tell(f"{left} letters are listed") - first
                self._load.end()
                await loading
                return await self._ending(witness, left, home_s)
        finally:
            if loading is not None:
                loading.cancel()
                await asyncio.wait([loading])
            await self._crew.stop()

    async def _break(self) -> float:
        """A broken version is deployed; when its first letter was listed."""
        await self._crew.deploy(BROKEN)
        self._timeline.tell(f"version {BROKEN} of an agent is deployed, and it is broken")
        await asyncio.sleep(self._scenes.broken_s)
        while not await self._operator.waiting():  # noqa: ASYNC110 - another process's work
            await asyncio.sleep(_LOOK_S)
        return self._timeline.tell("letters have arrived: the operator looks")

    async def _mend(self) -> None:
        for command in (
            ("status",),
            ("doctor",),
            ("dlq", "list"),
            ("dlq", "show", "--topic", "bill", "--limit", "1"),
        ):
            await self._operator(*command, codes=(0, 1) if command[0] == "status" else (0,))
        await self._crew.deploy(MENDED)
        self._timeline.tell(f"version {MENDED} is deployed, and it is mended")

    async def _bring_home(self) -> int:
        """Replay, with mishaps, until the list is empty; how many are left."""
        scenes, operator = self._scenes, self._operator
        await operator("dlq", "replay", "--dry-run")
        replay = await operator.start("dlq", "replay", "--yes", "--rate", f"{scenes.rate:g}")
        await self._until(lambda: self._replayed() >= scenes.replays)
        await self._crew.kill(0)
        assert replay.returncode is None, "the replay was done before it could be killed"
        replay.kill()
        await replay.communicate()
        self._timeline.tell("a worker and the replay were killed (kill -9)")
        self._crew.workers[0].start(MENDED)
        if scenes.restart:
            await self._through_a_restart()
        # Two people at once: one of them sends again what is under way, too.
        both = [("dlq", "replay", "--yes", "--wait", "60", *more) for more in ((), ("--again",))]
        started = [await operator.start(*one) for one in both]
        pairs = zip(started, both, strict=True)
        await asyncio.gather(*(operator.said(process, *one) for process, one in pairs))
        for _ in range(_TRIES):
            if not await operator.waiting():
                return 0
            await operator("dlq", "replay", "--yes", "--wait", "60", codes=(0, 1))
        return await operator.waiting()

    async def _through_a_restart(self) -> None:
        arguments = ("dlq", "replay", "--yes", "--rate", f"{self._scenes.rate:g}")
        before, replay = self._replayed(), await self._operator.start(*arguments)
        await self._until(lambda: self._replayed() >= before + self._scenes.replays)
        await asyncio.to_thread(self._broker.stop)
        await asyncio.to_thread(self._broker.start)
        self._timeline.tell("the broker was restarted in the middle of it")
        await self._operator.said(replay, *arguments)

    def _replayed(self) -> int:
        rows = self._reader.more()
        self._home |= {row["n"] for row in rows if row["what"] == "begin" and row["replay"]}
        return len(self._home)

    async def _until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _SETTLED_S
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError
            await asyncio.sleep(_LOOK_S)

    async def _ending(self, witness: Witness, left: int, home_s: float) -> Ending:
        deadline = time.monotonic() + _SETTLED_S
        while (behind := await witness.behind()) and time.monotonic() < deadline:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(_LOOK_S)
        await self._crew.stop()  # what they had at work is written down by now
        evidence = Evidence(
            sent=self._load.acknowledged,
            receipts=await witness.receipts(),
            letters=await witness.letters(),
            journal=told(self._journal),
            killed=self._crew.killed,
            behind=behind,
            open_letters=left,
        )
        self._timeline.tell("the count is taken")
        return Ending(
            broken=judge(evidence),
            home_s=home_s,
            events=len(evidence.sent),
            letters=len(evidence.letters),
        )
