"""Records, agents and a bench of fakes for the tests of the pipeline and the runtime."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from faust.types import TP

from streamagents.agents import Registration, Route, build_registry
from streamagents.events import Event
from streamagents.pipeline.chain import Subscription, read
from streamagents.pipeline.mark import Mark
from streamagents.runtime.attempt import Attempts, Destination
from streamagents.runtime.gate import Gate
from streamagents.runtime.group import Group
from streamagents.runtime.handling import Handling, Worker
from streamagents.runtime.intake import Intake
from streamagents.runtime.intent import Intent, intent_key
from streamagents.runtime.seam import Poll
from streamagents.testing.bus import MemoryRecord, murmur2_partition
from streamagents.testing.clock import FakeClock
from streamagents.topics import INBOX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.agents import Context, EventInfo
    from streamagents.events import Headers
    from streamagents.pipeline.outcome import Incoming
    from streamagents.ports import Outgoing, Record, Report

PARTITIONS = 4


class Order(Event, topic="order", key="customer"):
    """Has a key field and an id field, both optional."""

    customer: str | None = None
    id: str | None = None
    amount: int = 0


class Receipt(Event, topic="receipt", key="number"):
    """What agents emit here."""

    number: str | None = None
    id: str | None = None
    text: str = ""


class Scripted:
    """An agent that does, call by call, what a test told it; the last thing again and again."""

    def __init__(self, *steps: Any) -> None:
        self.steps = list(steps) or [None]
        self.calls: list[EventInfo] = []

    async def run(self, order: Order, ctx: Context) -> Any:
        """Raise, return or await the next step."""
        self.calls.append(ctx.event)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, BaseException):
            raise step
        return await step(order, ctx) if callable(step) else step


class Anything:
    """A fallback agent: takes raw data."""

    async def run(self, event: dict[str, Any]) -> None:
        """Take any event."""


def registration(agent: Any = None, type_: str = "order", **policy: Any) -> Registration:
    """An agent as the runtime runs it; by default one that takes every `Order`."""
    route = Route(Scripted() if agent is None else agent, **{"backoff_s": 0, **policy})
    return build_registry({type_: route}, fallback=Anything()).agents[type_]


def fallback() -> Registration:
    """The fallback agent as the runtime runs it."""
    return build_registry({}, fallback=Anything()).fallback


def subscription(owner: Registration | None = None, topic: str | None = None) -> Subscription:
    """A topic of four partitions and its agent."""
    owner = owner or registration()
    topic = topic or owner.event.topic
    return Subscription(
        topic=topic, letters=topic + ".dlq", partitions=PARTITIONS, registration=owner
    )


def record(
    value: bytes | None = b"{}",
    *,
    topic: str = "order",
    partition: int = 0,
    offset: int = 7,
    key: bytes | None = None,
    headers: Any = (),
    timestamp: int = 1_767_225_600_000,
) -> MemoryRecord:
    """One record; `headers` may hold None values and bytes that are no UTF-8, as Kafka's do."""
    return MemoryRecord(
        topic=topic,
        partition=partition,
        offset=offset,
        key=key,
        value=value,
        headers=cast("Headers", headers),
        timestamp=timestamp,
    )


def off_place(key: bytes) -> int:
    """A partition where this key does not belong."""
    return (murmur2_partition(key, PARTITIONS) + 1) % PARTITIONS


class FakeStore:
    """The state in a dict: what is durable, and over it what is on its way."""

    def __init__(self, durable: Mapping[bytes, bytes] | None = None) -> None:
        self.durable = dict(durable or {})
        self.buffered: dict[bytes, tuple[object, bytes | None]] = {}

    def get(self, key: bytes) -> bytes | None:
        """The newest value."""
        return self.buffered[key][1] if key in self.buffered else self.durable.get(key)

    def apply(self, group: Group, *, kept: bool) -> None:
        """A group became durable, or was refused."""
        for key, value in group.writes.items():
            if kept and value is not None:
                self.durable[key] = value
            if self.buffered.get(key, (None,))[0] is group:
                del self.buffered[key]


class FakeWriter:
    """Commits in order: by itself soon after, or when told to if it `holds`."""

    def __init__(self, store: FakeStore) -> None:
        self.store, self.holds, self.closed = store, False, False
        self.queue: list[Group] = []
        self.committed: list[Group] = []
        self.unwritable: BaseException | None = None
        """Refuse the next group that can be refused."""

    def add(self, group: Group) -> None:
        """Queue a group."""
        if self.closed:
            return
        for key, value in group.writes.items():
            self.store.buffered[key] = (group, value)
        self.queue.append(group)
        if not self.holds:
            asyncio.get_running_loop().call_soon(self.commit)

    def commit(self) -> None:
        """Commit what is queued."""
        while self.queue:
            group = self.queue.pop(0)
            error = self.unwritable if group.refused is not None else None
            self.store.apply(group, kept=error is None)
            if error is not None and group.refused is not None:
                self.unwritable = None
                group.refused(error)
                continue
            self.committed.append(group)
            if group.durable is not None:
                group.durable()

    async def write(self, writes: Mapping[bytes, bytes | None]) -> None:
        """Write and wait until it is durable."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def durable() -> None:
            if not done.done():
                done.set_result(None)

        self.add(Group(writes=writes, durable=durable))
        if self.closed:
            raise asyncio.CancelledError
        await done


class Reports:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.all: list[Report] = []

    def observe(self, report: Report) -> None:
        """Take note."""
        self.all.append(report)

    @property
    def outcomes(self) -> list[str]:
        """What happened, in order."""
        return [report.outcome for report in self.all]


class Bench:
    """One worker process with one state partition, and fakes behind its seams."""

    def __init__(
        self,
        agent: Any = None,
        *,
        process: str = "p1",
        store: FakeStore | None = None,
        **policy: Any,
    ) -> None:
        self.subscription = subscription(registration(agent, **policy))
        self.store = store or FakeStore()
        self.writer = FakeWriter(self.store)
        self.clock, self.reports, self.gate = FakeClock(), Reports(), Gate(10)
        self.finished: list[int] = []
        self.alive = True
        self.worker = Worker(
            process=process,
            group="shop",
            gate=self.gate,
            attempts=attempts(self.clock),
            clock=self.clock,
            observer=self.reports,
            alive=lambda: self.alive,
        )
        self.handling = Handling(
            self.worker, cast("Any", self.store), cast("Any", self.writer), self._finish
        )

    def _finish(self, finished: Record) -> None:
        self.finished.append(finished.offset)

    def incoming(self, source: MemoryRecord) -> Incoming:
        """The record as it comes out of the chain."""
        return read(source, self.subscription.registration, topic=self.subscription.topic)

    def start(self, source: MemoryRecord, intent: Intent | None = None) -> asyncio.Task[None]:
        """Begin to handle a record, as a lane does."""
        work = self.handling.handle(self.incoming(source), self.subscription, intent or Intent())
        return asyncio.get_running_loop().create_task(work)

    async def handle(self, source: MemoryRecord, intent: Intent | None = None) -> None:
        """Handle a record and let its last group become durable."""
        await self.start(source, intent)
        self.writer.commit()

    def mark(self, source: MemoryRecord) -> Mark | None:
        """The event's mark, durable or not."""
        value = self.store.get(self.incoming(source).seen_key)
        return None if value is None else Mark.decode(value)

    @property
    def letters(self) -> list[Outgoing]:
        """Dead letters that were committed."""
        return [r for group in self.writer.committed for r in group.records if ".dlq" in r.topic]


SEEK = object()


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
        self.bench = Bench()
        self.writer, self.reports = self.bench.writer, self.bench.reports
        self.lanes: list[Incoming] = []
        writer = cast("Any", self.writer)
        handling = Handling(
            self.bench.worker,
            cast("Any", self.bench.store),
            writer,
            self._finish,
        )
        self.intake = Intake(
            subscription(fallback(), INBOX) if inbox else self.bench.subscription,
            inbox={"order": self.bench.subscription} if inbox else None,
            partition=0,
            start=(start, SEEK),
            intent=intent or Intent(process="p1"),
            limit=limit,
            partition_of=murmur2_partition,
            settling=handling.settling,
            writer=writer,
            observer=self.reports,
            push=lambda _, incoming: self.lanes.append(incoming),
        )

    def _finish(self, done: Record) -> None:
        self.intake.finish(done)

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


def orders(*offsets: int) -> list[MemoryRecord]:
    """Records of unremarkable events."""
    return [record(b"{}", offset=offset) for offset in offsets]


def attempts(clock: FakeClock | None = None) -> Attempts:
    """The runner of agents, with the events of this module declared."""
    return Attempts(
        "shop",
        {
            model: Destination(topic=model.event_type.topic, partitions=PARTITIONS)
            for model in (Order, Receipt)
        },
        partition_of=murmur2_partition,
        clock=clock or FakeClock(),
    )


async def turns(count: int = 20) -> None:
    """Let every task run that can."""
    for _ in range(count):
        await asyncio.sleep(0)
