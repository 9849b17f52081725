"""The worker's own context in the hands of a test: its agent holds still until it may end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from streamagents.agents import Context  # noqa: TC001 - the annotation of run() is read
from streamagents.agents.digest import ANY_ARGUMENTS
from streamagents.agents.steps import StepResult
from streamagents.agents.values import dump, load
from streamagents.events import Event
from streamagents.events.envelope import header
from streamagents.pipeline.mark import NOTHING, Status
from streamagents.pipeline.outbox import TYPE_PREFIX
from streamagents.pipeline.places import step_key, steps_of, value_key, values_of
from streamagents.pipeline.stored import decode_step, decode_value, encode_step, encode_value
from streamagents.pipeline.wait import NOT_BEFORE
from streamagents.testing import Note
from streamagents.topics import ACTIONS
from support.bench import Bench, worker
from support.records import record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.ports import Model, Outgoing
    from streamagents.runtime.shared import Worker
    from streamagents.testing.bus import MemoryRecord


class Order(Event, topic="order", key="customer"):
    """Has a key field and an id field, both optional."""

    customer: str | None = None
    id: str | None = None
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Left:
    """What an attempt leaves; of events and actions the id and the data."""

    emitted: list[tuple[str, dict[str, Any]]]
    delays: dict[str, float]
    """Seconds by event id, of what was delayed."""
    acted: list[tuple[str, str, dict[str, Any]]]
    """The id, the channel and the data."""
    state: dict[str, Any]
    steps: dict[str, Any]
    steps_rerun: dict[str, str]


class _Held:
    """Hands its context out, and holds still."""

    def __init__(self) -> None:
        self.ctx: asyncio.Future[Context] = asyncio.get_running_loop().create_future()
        self.go = asyncio.Event()

    async def run(self, order: Order, ctx: Context) -> None:
        """Wait until it is told to end."""
        self.ctx.set_result(ctx)
        await self.go.wait()


class _HeldBench(Bench):
    """A bench whose agents emit orders, and decide the notes of `testing`."""

    def _worker(self, process: str, model: Model | None) -> Worker:
        return worker(process, model=model, emits=(Order,), channels=(Note.via,))


class HeldAttempt:
    """An event of a real worker over memory: its attempt has begun, and waits.

    Args:
        event_id: the event's id.
        key: the event's key; an event has none only if it has no id of its own either.
    """

    def __init__(self, event_id: str, key: str | None) -> None:
        self._agent = _Held()
        self._bench = _HeldBench(self._agent)
        self._source: MemoryRecord = record(
            Order(customer=key).model_dump_json().encode(),
            headers=() if key is None else (("ce_id", event_id.encode()),),
        )
        incoming = self._bench.incoming(self._source)
        self._seen_key, self._key = incoming.seen_key, incoming.key
        self._name = incoming.registration.name
        self._task: asyncio.Task[bool] | None = None
        self._left: Left | None = None

    async def begin(self, steps: Mapping[str, Any], state: Mapping[str, Any]) -> Context:
        """Begin, with what earlier attempts and events have left; the context."""
        rows = self._bench.store.durable
        for name, value in state.items():
            at = value_key(self._name, self._key or b"", name)
            rows[at] = encode_value(self._key, dump(value))
        for path, result in steps.items():
            kept = StepResult(ANY_ARGUMENTS, "1", dump(result))
            rows[step_key(self._seen_key, path)] = encode_step(self._key, kept)
        if steps:
            case = self._bench.case(self._source)
            case.history = replace(NOTHING, steps=True)
            marks = case.writes(Status.WAITING, self._bench.clock.now())
            rows.update({key: mark for key, mark in marks.items() if mark is not None})
        self._task = self._bench.start(self._source)
        return await asyncio.wait_for(asyncio.shield(self._agent.ctx), 5)

    async def left(self) -> Left:
        """Let it end, and look at what was committed; of its steps, at what was durable before."""
        if self._left is None:
            bench = self._bench
            steps = self._steps()
            await self.end()
            self._left = Left(
                emitted=[(_id(out), from_json(out.value or b"")) for out in self._out("order")],
                delays={
                    _id(out): delay
                    for out in self._out("order")
                    if (delay := self._delay(out)) is not None
                },
                acted=[
                    (_id(out), _channel(out), from_json(out.value or b""))
                    for out in self._out(ACTIONS)
                ],
                state={
                    name: load(decode_value(raw))
                    for name, raw in self._under(values_of(self._name, self._key or b"")).items()
                },
                steps=steps,
                steps_rerun={
                    report.detail: report.code
                    for report in bench.reports.all
                    if report.outcome == "step_rerun"
                },
            )
        return self._left

    async def end(self) -> None:
        """Let the agent end, and its group become durable."""
        assert self._task is not None
        self._agent.go.set()
        await asyncio.wait_for(self._task, 5)
        self._bench.writer.commit()
        assert "ok" in self._bench.reports.outcomes

    def _under(self, prefix: bytes) -> dict[str, bytes]:
        found = self._bench.store.under(prefix)
        return {key.removeprefix(prefix).decode(): raw for key, raw in found.items()}

    def _out(self, topic: str) -> list[Outgoing]:
        return [out for out in self._bench.records if out.topic == topic]

    def _steps(self) -> dict[str, Any]:
        """In the order in which they became durable."""
        found = self._under(steps_of(self._seen_key))
        prefix = steps_of(self._seen_key)
        committed = [key for group in self._bench.writer.committed for key in group.writes]
        written = [key.removeprefix(prefix).decode() for key in committed if key.startswith(prefix)]
        order = [*(path for path in found if path not in written), *written]
        return {path: load(decode_step(found[path]).json) for path in order if path in found}

    def _delay(self, out: Outgoing) -> float | None:
        raw = header(out.headers, NOT_BEFORE)
        if raw is None:
            return None
        return (datetime.fromisoformat(raw.decode()) - self._bench.clock.now()).total_seconds()


def _id(out: Outgoing) -> str:
    return (header(out.headers, "ce_id") or b"").decode()


def _channel(out: Outgoing) -> str:
    return (header(out.headers, "ce_type") or b"").decode().removeprefix(TYPE_PREFIX)
