"""The run: broker, agents, samples, reader and view together, from the first line to the result."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from streamagents.bus import KafkaBus
from streamagents.devkit.borrowed import BorrowedBroker
from streamagents.devkit.demo.facts import Arrived, Marked, Places
from streamagents.devkit.demo.hearing import Hearing
from streamagents.devkit.demo.logs import LOG_NAME, log_to_file
from streamagents.devkit.demo.producing import new_run_id, produce
from streamagents.devkit.demo.reading import Reader
from streamagents.devkit.demo.story import Story
from streamagents.devkit.demo.summary import Evidence, concerns, summarize
from streamagents.devkit.demo.view import Frame
from streamagents.devkit.demo.words import conclusion, stopped_early, who_answers
from streamagents.devkit.demo.world import World
from streamagents.devkit.foreground import StopAsked
from streamagents.devkit.harness import Harness, apply_topics
from streamagents.devkit.stopping import Stopping
from streamagents.errors import StreamAgentsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from streamagents.devkit.demo.facts import Fact
    from streamagents.devkit.demo.producing import Sample
    from streamagents.devkit.demo.summary import Sent, Summary
    from streamagents.devkit.demo.view import Screen
    from streamagents.devkit.demo.world import Happenings
    from streamagents.ports import Trigger
    from streamagents.runtime.app import StreamApp
    from streamagents.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is shown."""

    app: Callable[[Settings, Sequence[Trigger]], StreamApp]
    samples: Callable[[str], Sequence[Sample]]
    """Of a run, by its id."""
    sites: Sequence[str]
    """Names of the sites in its world."""
    world: Callable[[str, Mapping[str, str], Path], Happenings]
    """Of a run, by its id, the URLs of the sites, and the folder that is watched."""


SETTLE_S = 40.0
"""Until then every event has its outcome, or counts as lost. `--once` ends within a minute."""
_LOOK_S = 0.5
"""Between two looks at what the group has committed, and at our memory."""
_STOP_S = 5.0
"""The agents of the demo are fast: what takes longer waits for a broker that is gone."""
_PACE_S = 0.08
"""Between two events, for a person who watches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a run ended."""

    summary: Summary | None
    """None: it was stopped before every event had its outcome."""
    exit_code: int


def run_demo(
    settings: Settings,
    load: Callable[[], Shown],
    screen: Screen,
    *,
    once: bool,
    hint: Sequence[str] = (),
) -> Result:
    """Run the demo in the main thread.

    Args:
        settings: broker and data folder.
        load: imports what is to be shown.
        screen: where it is shown.
        once: end when every event has its outcome, instead of serving until Ctrl-C.
        hint: how a person sends events of their own.

    Raises:
        StreamAgentsError: it cannot run, for this reason.
    """
    with Stopping() as stopping:
        try:
            screen.phase("Starting ..." if settings.broker else "Starting Kafka ...")
            log_to_file(settings.data_dir)
            shown, run_id = load(), new_run_id()
            with (
                World(settings, run_id, shown.sites, shown.world) as world,
                BorrowedBroker(settings, notify=screen.phase) as broker,
            ):
                stopping.at_once.append(broker.kill)
                app = shown.app(world.settings(), world.happenings.triggers)
                samples = shown.samples(run_id)
                demo = _Demo(app, world, samples, screen, stopping, hint=hint)
                return stopping.run(demo.run(once=once))
        except StopAsked:
            screen.say(stopped_early(settings.data_dir / LOG_NAME))
            return Result(summary=None, exit_code=stopping.exit_code)
        finally:
            screen.close()


class _Demo:
    """One run on a running broker."""

    def __init__(
        self,
        app: StreamApp,
        world: World,
        samples: Sequence[Sample],
        screen: Screen,
        stopping: Stopping,
        *,
        hint: Sequence[str],
    ) -> None:
        self._app, self._screen, self._stopping, self._hint = app, screen, stopping, hint
        self._world, self._samples = world, samples
        self._hearing = Hearing(world.happenings.ears, homes_of(app))
        self._ticks = app.layout.ticks().name
        self._inbox = app.layout.inbox().name
        self._evidence, self._story = Evidence(), Story()
        self._sent: list[Sent] = []
        self._began = self._ended = 0.0
        self._looked = 0.0
        self._rss_mib = 0
        self._busy, self._note = "", list[str]()
        self._fault = f"The agents did not stop within {_STOP_S:g} s."

    async def run(self, *, once: bool) -> Result:
        app, stopping = self._app, self._stopping
        self._screen.phase("Creating the topics ...")
        await stopping.unless_asked(apply_topics(app))
        async with AsyncExitStack() as outer:
            reader = Reader(app.settings.bootstrap, places_of(app), group=app.conf.id)
            await stopping.unless_asked(outer.enter_async_context(reader))
            async with AsyncExitStack() as inner:
                self._screen.phase("Starting the agents ...")
                harness = Harness(app, stop_s=_STOP_S, stuck=self._give_up)
                await stopping.unless_asked(inner.enter_async_context(harness))
                await stopping.unless_asked(inner.enter_async_context(self._world.heard_by(app)))
                await self._work(reader, harness, once=once)
                self._busy, self._note = "Stopping ...", []
                self._show()
                stopping.no_more()
            self._take(await reader.to_end())
            self._evidence.committed = await reader.committed()
        return self._conclude()

    async def _work(self, reader: Reader, harness: Harness, *, once: bool) -> None:
        try:
            await self._stopping.unless_asked(self._until_settled(reader, harness))
            if not once:
                await self._serve(reader, harness)
        except StreamAgentsError as exc:
            self._fault = str(exc)
            raise

    def _give_up(self) -> None:
        """The application does not stop: its broker is gone. What it had is still in Kafka."""
        self._screen.say(self._fault)
        self._stopping.end_at_once(1)

    async def _until_settled(self, reader: Reader, harness: Harness) -> None:
        """Send everything, and read until each event has its outcome."""
        self._busy = f"Sending {len(self._samples)} events ..."
        self._began = time.monotonic()
        producing = asyncio.ensure_future(self._send())
        try:
            while not self._settled(producing):
                if producing.done():
                    self._busy = "Waiting for the last outcomes ..."
                if time.monotonic() - self._began > SETTLE_S:
                    break
                await self._step(reader, harness)
        finally:
            producing.cancel()
            self._ended = time.monotonic()
        await self._step(reader, harness)

    def _settled(self, producing: asyncio.Future[None]) -> bool:
        if not producing.done():
            return False
        producing.result()  # raises what kept it from sending
        return not self._summary().total.lost

    async def _serve(self, reader: Reader, harness: Harness) -> None:
        open_ = self._summary().total.lost
        state = f"{open_} events have no outcome yet" if open_ else "Every event has its outcome"
        self._busy = f"{state}. The agents go on listening until Ctrl-C."
        self._note = [*self._hint, f"  or post it to {self._world.gateway}/events/new_lead"]
        port = self._app.settings.web_port
        if isinstance(port, int) and port:
            self._note.append(f"How the worker is: http://127.0.0.1:{port}/health and /metrics")
        if not self._screen.live:
            for sentence in (self._busy, *self._note):
                self._screen.say(sentence)
        while self._stopping.signal is None:
            await self._step(reader, harness)

    async def _send(self) -> None:
        await asyncio.gather(self._produce(), self._world.happen())

    async def _produce(self) -> None:
        pace_s = _PACE_S if self._screen.live else 0.0
        async with KafkaBus(self._app.settings.bootstrap) as bus:
            async for one in produce(bus, self._samples, self._app, pace_s=pace_s):
                self._sent.append(one)
                self._story.sent(one)

    async def _step(self, reader: Reader, harness: Harness) -> None:
        """Read a little, look at the group's progress now and then, show it."""
        self._take(await reader.poll())
        if time.monotonic() - self._looked > _LOOK_S:
            self._looked = time.monotonic()
            harness.check()
            self._evidence.committed = await reader.committed()
            self._story.skipped(self._sent, self._evidence)
            self._rss_mib = max(self._rss_mib, harness.rss_bytes() >> 20)
        self._show()

    def _take(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            if isinstance(fact, Arrived) and not self._ended:
                self._heard(fact)
        ids, places = {one.id for one in self._sent}, {one.position for one in self._sent}
        for fact in facts:
            if isinstance(fact, Marked) and fact.topic == self._ticks:
                continue  # of the clockwork, and no event of anybody's
            # Of others' events, which may go on for days, nothing is kept but the last lines.
            if not self._ended or concerns(fact, ids, places):
                self._evidence.add(fact)
            self._story.take(fact)

    def _heard(self, fact: Arrived) -> None:
        one = self._hearing.take(fact)
        if one is not None:
            self._sent.append(one)
            self._story.sent(one)

    def _summary(self) -> Summary:
        return summarize(
            self._sent,
            self._evidence,
            inbox=self._inbox,
            seconds=(self._ended or time.monotonic()) - self._began,
            rss_mib=self._rss_mib,
            provider=self._app.model.name,
            awaited=self._hearing.awaited,
            heard=self._hearing.heard,
        )

    def _frame(self) -> Frame:
        settings = self._app.settings
        answers = who_answers(self._app.model.name, settings.model)
        return Frame(
            title=f"demo   Kafka at {settings.bootstrap}   {answers}   run {self._world.run_id}",
            agents=agents_of(self._app),
            summary=self._summary(),
            story=self._story,
            note=self._note,
            busy=self._busy,
        )

    def _show(self) -> None:
        self._screen.show(self._frame())

    def _conclude(self) -> Result:
        self._story.skipped(self._sent, self._evidence)
        frame = self._frame()
        notes = conclusion(
            frame.summary,
            self._sent,
            self._evidence,
            missing=self._hearing.missing,
            refused=self._world.refused,
        )
        self._screen.conclude(replace(frame, note=notes))
        return Result(summary=frame.summary, exit_code=0 if frame.summary.good else 1)


def places_of(app: StreamApp) -> Places:
    """Which of an application's topics hold what."""
    layout = app.layout
    consumed = agents_of(app)
    specs = {spec.name for spec in app.specs()}
    changelogs = {
        layout.changelog(app.conf.id, spec.partitions).name
        for spec in app.specs()
        if spec.name in consumed
    }
    emitted = [layout.typed(model.event_type).name for model in app.registry.events.values()]
    return Places(
        changelogs=changelogs & specs,
        consumed=list(consumed),
        emitted=[topic for topic in emitted if topic not in consumed],
    )


def homes_of(app: StreamApp) -> dict[str, str]:
    """By event type: the topic of those that are consumed."""
    return {type_: app.layout.typed(r.event).name for type_, r in app.registry.agents.items()}


def agents_of(app: StreamApp) -> dict[str, str]:
    """By consumed topic: the agent that handles its events."""
    typed = {app.layout.typed(r.event).name: r.name for r in app.registry.agents.values()}
    return {**typed, app.layout.inbox().name: app.registry.fallback.name}
