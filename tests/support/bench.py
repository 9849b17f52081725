"""A bench: one worker process with one state partition, on fakes."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from streamagents.llm.asker import Asker
from streamagents.llm.providers.rules import RulesModel
from streamagents.pipeline.chain import judge, read
from streamagents.pipeline.replay import Answers
from streamagents.runtime.attempt import Attempt
from streamagents.runtime.case import open_case
from streamagents.runtime.emitter import Destination, Emitter
from streamagents.runtime.gate import Gate
from streamagents.runtime.handling import Handling
from streamagents.runtime.intent import Intent
from streamagents.runtime.invoke import Invoker
from streamagents.runtime.pauses import AgentPauses
from streamagents.runtime.reception import Reception, Source
from streamagents.runtime.settling import Settling
from streamagents.runtime.shared import Worker
from streamagents.runtime.till import PartitionTill
from streamagents.runtime.waiting import Waiting
from streamagents.testing.bus import murmur2_partition
from streamagents.testing.clock import FakeClock
from streamagents.topics import ACTIONS, LETTERS
from support.records import PARTITIONS, Note, Order, Receipt, registration, subscription
from support.stores import FakeStore, FakeWriter, Reports

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from streamagents.events import Event
    from streamagents.pipeline.mark import Mark
    from streamagents.pipeline.outcome import Incoming
    from streamagents.ports import Model, Outgoing, Record
    from streamagents.runtime.case import Case


def gate(in_flight: int, pauses: AgentPauses | None = None) -> Gate:
    """A gate; where nothing is said, nobody is held back."""
    return Gate(in_flight, pauses or AgentPauses(FakeClock()))


def worker(
    process: str = "p1",
    *,
    in_flight: int = 10,
    alive: Callable[[], bool] = lambda: True,
    end_of: Callable[[str, int], int | None] = lambda *_: 0,
    model: Model | None = None,
    emits: tuple[type[Event], ...] = (Order, Receipt),
    channels: Collection[str] = (Note.via,),
) -> Worker:
    """A worker whose agents may emit orders and receipts, and decide notes."""
    clock = FakeClock()
    pauses = AgentPauses(clock)
    destinations = {
        kind: Destination(topic=kind.event_type.topic, partitions=PARTITIONS) for kind in emits
    }
    return Worker(
        process=process,
        group="shop",
        gate=Gate(in_flight, pauses),
        pauses=pauses,
        invoker=Invoker(clock),
        emitter=Emitter(
            "shop",
            destinations,
            outbox=Destination(topic=ACTIONS, partitions=PARTITIONS),
            channels=channels,
            partition_of=murmur2_partition,
            clock=clock,
        ),
        asker=Asker(model or RulesModel(), clock=clock),
        till=PartitionTill(PARTITIONS),
        clock=clock,
        observer=Reports(),
        answers=Answers(
            topic=LETTERS, partitions=PARTITIONS, partition_of=murmur2_partition, by="shop"
        ),
        alive=alive,
        end_of=end_of,
    )


def settling(
    owner: Worker, store: FakeStore, writer: FakeWriter, finish: Callable[[Record], None]
) -> Settling:
    """Settles over fakes."""
    return Settling(
        process=owner.process,
        group=owner.group,
        clock=owner.clock,
        observer=owner.observer,
        answers=owner.answers,
        store=store,
        writer=cast("Any", writer),
        finish=finish,
    )


class Bench:
    """One worker process with one state partition: handling, without lanes and intake."""

    def __init__(
        self,
        agent: Any = None,
        *,
        process: str = "p1",
        store: FakeStore | None = None,
        finish: Callable[[Record], None] | None = None,
        model: Model | None = None,
        **policy: Any,
    ) -> None:
        self.subscription = subscription(registration(agent, **policy))
        self.store = store or FakeStore()
        self.lost: list[BaseException] = []
        self.writer = FakeWriter(self.store, self.lost.append)
        self.alive = True
        self.worker = self._worker(process, model)
        self.clock = cast("FakeClock", self.worker.clock)
        self.reports = cast("Reports", self.worker.observer)
        self.gate, self.pauses = self.worker.gate, self.worker.pauses
        self.finished: list[int] = []
        self._finish = finish or self._take_note
        self.pushed: list[Incoming] = []
        self.settling = settling(self.worker, self.store, self.writer, self._finish)
        self.receptions: dict[str, Reception] = {}
        self.waiting = Waiting(
            self.store,
            self.settling,
            clock=self.clock,
            observer=self.reports,
            receptions=self.receptions,
            takes=lambda topic: topic in self.receptions,
        )
        self.waiting.read()
        decide = partial(judge, subscription=self.subscription, partition_of=lambda *_: 0)
        source = Source(self.subscription, decide, self.subscription.registration.name)
        self.receptions[self.subscription.topic] = self.reception(source)
        self.handling = Handling(self.worker, self.settling, self._park)
        self.parked: list[float] = []

    def _worker(self, process: str, model: Model | None) -> Worker:
        return worker(process, alive=lambda: self.alive, model=model)

    def reception(
        self, source: Source, push: Callable[[Incoming], None] | None = None
    ) -> Reception:
        """A topic's reception; what may run goes to a list."""
        return Reception(
            source,
            clock=self.clock,
            settling=self.settling,
            writer=cast("Any", self.writer),
            finish=self._finish,
            push=push or self.pushed.append,
            delay=self.waiting.delay,
            observer=self.reports,
        )

    def _park(self, case: Case, after_s: float) -> None:
        self.parked.append(after_s)
        self.waiting.park(case, after_s)

    def _take_note(self, finished: Record) -> None:
        self.finished.append(finished.offset)

    def incoming(self, source: Record) -> Incoming:
        """The record as it comes out of the chain."""
        return read(source, self.subscription.registration, topic=self.subscription.topic)

    def case(self, source: Record, *, attempt: int = 1, replay: int = 0) -> Case:
        """The event before an attempt."""
        case = open_case(
            self.incoming(source),
            self.subscription,
            Intent(),
            self.mark(source),
            replay=replay,
            process=self.worker.process,
        )
        case.attempts = attempt - 1
        return case

    def attempt(self, case: Case) -> Attempt:
        """An attempt that has not begun."""
        worker = self.worker
        return Attempt(
            case,
            worker.emitter,
            self.settling,
            self.clock,
            worker.asker,
            before_step=self.handling._until_alive,
        )

    async def run(self, source: Record, attempt: int = 1) -> list[Outgoing]:
        """Run the agent once; what would leave."""
        case = self.case(source, attempt=attempt)
        made = self.attempt(case)
        await self.worker.invoker.run(case, made)
        return made.records

    def start(self, source: Record, intent: Intent | None = None) -> asyncio.Task[bool]:
        """Begin to handle a record, as a lane does."""

        async def lane() -> bool:
            rest = self.handling.begin(self.incoming(source), self.subscription, intent or Intent())
            return True if rest is None else await rest

        return asyncio.get_running_loop().create_task(lane())

    async def handle(self, source: Record, intent: Intent | None = None) -> bool:
        """Handle a record and let its last group become durable; whether it has ended."""
        ended = await self.start(source, intent)
        self.writer.commit()
        return ended

    def mark(self, source: Record) -> Mark | None:
        """The event's mark, durable or not."""
        return self.settling.mark(self.incoming(source).seen_key)

    @property
    def records(self) -> list[Outgoing]:
        """What was committed for other topics."""
        return [out for group in self.writer.committed for out in group.records]

    @property
    def letters(self) -> list[Outgoing]:
        """Dead letters that were committed."""
        return [out for out in self.records if ".dlq" in out.topic]
