"""Desks: where polls arrive. One source partition alone, or all that share a state partition."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from faust.types import TP

from streamagents.pipeline.chain import judge
from streamagents.pipeline.dispatch import dispatch
from streamagents.runtime.intake import Intake
from streamagents.runtime.intent import Intent, intent_key
from streamagents.runtime.partition import OwnedPartition
from streamagents.runtime.reception import Source
from streamagents.runtime.seam import Poll
from streamagents.testing.bus import murmur2_partition
from streamagents.topics import INBOX
from support.bench import Bench, worker
from support.records import Scripted, fallback, record, registration, subscription, turns
from support.stores import FakeStore, FakeWriter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.agents import Registration
    from streamagents.pipeline.chain import Partitioner, Subscription
    from streamagents.pipeline.expiry import Lifetime
    from streamagents.pipeline.outcome import Incoming
    from streamagents.ports import Outgoing, Record
    from streamagents.runtime.store import Store
    from streamagents.testing.bus import MemoryRecord
    from streamagents.testing.clock import FakeClock
    from support.stores import Reports

SEEK = object()
_MANY = 60
"""Turns of the loop in which a few attempts and their writes come to an end."""


class IntakeDesk:
    """One source partition; its lanes are a list."""

    def __init__(
        self,
        *,
        start: int = 0,
        intent: Intent | None = None,
        limit: int = 1000,
        inbox: bool = False,
    ) -> None:
        self.bench = bench = Bench(finish=self._finish)
        self.writer, self.reports = bench.writer, bench.reports
        self.lanes: list[Incoming] = []
        self.room = True
        topic = subscription(fallback(), INBOX) if inbox else bench.subscription
        source = typed_source(topic, murmur2_partition)
        if inbox:
            source = inbox_source(topic, {"order": bench.subscription}, murmur2_partition)
        reception = bench.reception(source, push=self.lanes.append)
        self.intake = Intake(
            topic,
            start=(start, SEEK),
            intent=intent or Intent(process="p1"),
            limit=limit,
            most=limit,
            writer=cast("Any", self.writer),
            observer=self.reports,
            receive=reception.receive,
            room=lambda: self.room,
            clock=bench.clock,
            again=self._again,
        )

    def _finish(self, done: Record) -> None:
        self.intake.finish(done)

    def _again(self) -> None:
        asyncio.get_running_loop().call_soon(self.intake.admit)

    @property
    def state(self) -> str:
        """Whether the partition would be paused."""
        return "full" if self.intake.full else "open"

    def poll(
        self,
        *records: MemoryRecord,
        start: int | None = None,
        end: int | None = None,
        seek: object = SEEK,
    ) -> bool:
        """Take a poll of these records."""
        begin = self.intake.ledger.next if start is None else start
        after = records[-1].offset + 1 if records else begin
        tp = TP(self.intake.subscription.topic, 0)
        return self.intake.take(Poll(tp, records, begin, after if end is None else end, seek))

    @property
    def offsets(self) -> list[int]:
        """What reached the lanes."""
        return [incoming.record.offset for incoming in self.lanes]

    @property
    def intent(self) -> Intent:
        """The intent that is durable."""
        return Intent.decode(
            self.bench.store.durable.get(intent_key(self.intake.subscription.topic))
        )


def typed_source(topic: Subscription, partition_of: Partitioner) -> Source:
    """A topic of one type."""
    decide = partial(judge, subscription=topic, partition_of=partition_of)
    return Source(topic, decide, topic.registration.name)


def inbox_source(
    inbox: Subscription, typed: Mapping[str, Subscription], partition_of: Partitioner
) -> Source:
    """The topic of any type."""
    decide = partial(dispatch, inbox=inbox, typed=typed, partition_of=partition_of)
    return Source(inbox, decide, None)


def _here(*_: object) -> int:
    return 0


class OwnedBench:
    """One owned partition of a worker: real lanes, handling and waiting. All keys belong here."""

    def __init__(
        self,
        *agents: Registration,
        process: str = "p1",
        store: Store | None = None,
        lifetimes: Mapping[str, Lifetime] | None = None,
        limit: int = 1000,
        inbox: bool = False,
    ) -> None:
        self.store = store or FakeStore()
        self.end: int | None = 0
        """Where every topic's partition ends, as the last fetch said."""
        self.lost: list[BaseException] = []
        self.writer = FakeWriter(self.store, self.lost.append)
        self.worker = worker(process, end_of=lambda *_: self.end)
        self.clock = cast("FakeClock", self.worker.clock)
        self.reports = cast("Reports", self.worker.observer)
        self.partition = OwnedPartition(
            0,
            worker=self.worker,
            store=self.store,
            writer=cast("Any", self.writer),
            lost=self.lost.append,
        )
        self.worker.gate.on_room = self._refill
        self._agents = agents or (registration(Scripted()),)
        self._lifetimes, self._limit, self._inbox = lifetimes or {}, limit, inbox
        self._next: dict[str, int] = {}

    def _refill(self) -> None:
        asyncio.get_running_loop().call_soon(self.partition.admit)

    def begin(self, db: Any = None, *, after: OwnedBench | None = None) -> OwnedBench:
        """Recovery is complete; offsets go on behind those of an earlier owner."""
        if after is not None:
            self._next = dict(after._next)
            self.clock.advance(after.clock.monotonic())
        typed = {agent.type: subscription(agent) for agent in self._agents}
        sources = [typed_source(one, _here) for one in typed.values()]
        if self._inbox:
            sources.append(inbox_source(subscription(fallback(), INBOX), typed, _here))
        starts = {
            source.subscription.topic: (
                source,
                (self._next.get(source.subscription.topic, 0), SEEK),
            )
            for source in sources
        }
        self.partition.begin(db, starts, limit=self._limit, lifetimes=self._lifetimes)
        return self

    def poll(self, *values: bytes, topic: str = "order", headers: Any = ()) -> list[int]:
        """Take a poll of records with these values; their offsets."""
        start = self._next.get(topic, 0)
        self._next[topic] = start + len(values)
        found = [
            record(value, topic=topic, offset=start + number, headers=headers)
            for number, value in enumerate(values)
        ]
        self.partition.take(Poll(TP(topic, 0), found, start, start + len(found), SEEK))
        return [one.offset for one in found]

    async def deliver(self, *values: bytes, topic: str = "order", headers: Any = ()) -> list[int]:
        """Take such a poll, and let everything run that can."""
        offsets = self.poll(*values, topic=topic, headers=headers)
        await turns(_MANY)
        return offsets

    async def after(self, seconds: float) -> None:
        """Let time pass, and tick as the engine does."""
        self.clock.advance(seconds)
        await turns()
        self.partition.tick()
        await turns(_MANY)

    async def release(self) -> None:
        """A rebalance, with no grace."""
        await self.partition.release(0.0, asyncio.Event())

    @property
    def durable(self) -> dict[bytes, bytes]:
        """What a new process would find."""
        assert isinstance(self.store, FakeStore)
        return self.store.durable

    @property
    def records(self) -> list[Outgoing]:
        """What was committed for other topics."""
        return [out for group in self.writer.committed for out in group.records]
