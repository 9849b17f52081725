"""Wiring: the runtime's parts, put together for one application."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from streamagents.pipeline.chain import Subscription, judge
from streamagents.pipeline.dispatch import dispatch
from streamagents.pipeline.outbox import channel_of, judge_action
from streamagents.pipeline.replay import Answers, for_group
from streamagents.runtime.clock import SystemClock
from streamagents.runtime.emitter import Destination, Emitter
from streamagents.runtime.engine import Engine
from streamagents.runtime.gate import Gate
from streamagents.runtime.internals import RecordTransport
from streamagents.runtime.invoke import Invoker
from streamagents.runtime.partitioner import partition_of
from streamagents.runtime.reception import Source
from streamagents.runtime.shared import Worker
from streamagents.runtime.streams import add_stream
from streamagents.runtime.ticking import TickJudge
from streamagents.topics import state_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.agents import Registration, Registry
    from streamagents.llm.asker import Asker
    from streamagents.ports import Observer
    from streamagents.runtime.pauses import AgentPauses
    from streamagents.runtime.till import PartitionTill
    from streamagents.settings import Settings
    from streamagents.topics import Layout, TopicSpec

REBALANCE_S = 30.0
_REBALANCE_SHARE = 1 / 3
"""Of the rebalance timeout, what running agents get to end: the whole group waits for us."""
_BUFFERED = 4
"""Events of a partition in our hands, as a multiple of those that may run: keys are uneven."""


def build_engine(
    app: Any,
    registry: Registry,
    layout: Layout,
    settings: Settings,
    *,
    channels: Mapping[str, Registration],
    ticking: Mapping[str, Registration],
    pauses: AgentPauses,
    observer: Observer,
    asker: Asker,
    till: PartitionTill,
) -> Engine:
    """Give a Faust app its tables, streams and consumer, and put together what they feed."""
    sources = _sources(app.conf.id, registry, layout, channels)
    if ticking:
        source = _ticks(app.conf.id, layout, ticking)
        sources[source.subscription.topic] = source
    sources = {
        topic: replace(source, decide=for_group(source.decide, app.conf.id))
        for topic, source in sources.items()
    }
    tables = {
        count: app.Table(
            state_table(count),
            partitions=count,
            key_type=bytes,
            value_type=bytes,
            help="Marks of events, seen ids among them.",
            options={"driver": "rocksdict"},
        )
        for count in sorted({s.subscription.partitions for s in sources.values()})
    }
    for topic in sources:
        add_stream(app, topic)
    app.transport = RecordTransport(app.conf.broker_consumer, app)
    return Engine(
        app,
        sources=sources,
        worker=_worker(
            app,
            registry,
            layout,
            settings,
            channels=channels,
            pauses=pauses,
            observer=observer,
            asker=asker,
            till=till,
        ),
        tables=tables,
        limit=max(1000, _BUFFERED * settings.in_flight),
        release_s=REBALANCE_S * _REBALANCE_SHARE,
    )


def _sources(
    app_id: str, registry: Registry, layout: Layout, channels: Mapping[str, Registration]
) -> dict[str, Source]:
    """Every topic that is consumed, and how its records are judged."""
    typed = {
        type_: _subscription(layout, layout.typed(registration.event), registration)
        for type_, registration in registry.agents.items()
    }
    inbox = _subscription(layout, layout.inbox(), registry.fallback)
    outbox = {
        name: _subscription(layout, layout.actions(), registration)
        for name, registration in channels.items()
    }
    sources = [
        Source(s, partial(judge, subscription=s, partition_of=partition_of), s.registration.name)
        for s in typed.values()
    ]
    route = partial(dispatch, inbox=inbox, typed=typed, partition_of=partition_of)
    sources.append(Source(inbox, route, None))
    deliver = partial(judge_action, channels=outbox, app_id=app_id, partition_of=partition_of)
    sources.append(Source(next(iter(outbox.values())), deliver, None, channel_of))
    return {source.subscription.topic: source for source in sources}


def _ticks(app_id: str, layout: Layout, ticking: Mapping[str, Registration]) -> Source:
    """The topic of what the clock wakes; there is none without."""
    woken = {
        name: _subscription(layout, layout.ticks(), registration)
        for name, registration in ticking.items()
    }
    wake = TickJudge(woken, app_id=app_id, partition_of=partition_of)
    return Source(next(iter(woken.values())), wake, None)


def _worker(
    app: Any,
    registry: Registry,
    layout: Layout,
    settings: Settings,
    *,
    channels: Mapping[str, Registration],
    pauses: AgentPauses,
    observer: Observer,
    asker: Asker,
    till: PartitionTill,
) -> Worker:
    clock = SystemClock()
    destinations = {
        model: _destination(layout.typed(model.event_type)) for model in registry.events.values()
    }
    return Worker(
        process=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}",
        group=app.conf.id,
        gate=Gate(settings.in_flight, pauses),
        pauses=pauses,
        invoker=Invoker(clock),
        emitter=Emitter(
            app.conf.id,
            destinations,
            outbox=_destination(layout.actions()),
            channels=channels,
            partition_of=partition_of,
            clock=clock,
        ),
        asker=asker,
        till=till,
        clock=clock,
        observer=observer,
        answers=_answers(app.conf.id, layout.letter_states()),
        alive=lambda: app.consumer.silent_s < settings.session_timeout_s,
        # Asked when it is called: there is no consumer yet.
        end_of=lambda topic, partition: app.consumer.end_of(topic, partition),  # noqa: PLW0108
        stuck_after_s=settings.stuck_after_s,
    )


def _destination(spec: TopicSpec) -> Destination:
    return Destination(topic=spec.name, partitions=spec.partitions)


def _answers(app_id: str, spec: TopicSpec) -> Answers:
    return Answers(
        topic=spec.name, partitions=spec.partitions, partition_of=partition_of, by=app_id
    )


def _subscription(layout: Layout, spec: TopicSpec, registration: Registration) -> Subscription:
    return Subscription(
        topic=spec.name,
        letters=layout.letters_name(spec.name),
        partitions=spec.partitions,
        registration=registration,
    )
