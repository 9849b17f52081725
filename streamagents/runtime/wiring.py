"""Wiring: the runtime's parts, put together for one application."""

from __future__ import annotations

import os
import secrets
import socket
from typing import TYPE_CHECKING, Any

from streamagents.pipeline.chain import Subscription
from streamagents.runtime.attempt import Attempts, Destination
from streamagents.runtime.clock import SystemClock
from streamagents.runtime.engine import Engine
from streamagents.runtime.gate import Gate
from streamagents.runtime.handling import Worker
from streamagents.runtime.internals import RecordTransport
from streamagents.runtime.partitioner import partition_of
from streamagents.runtime.streams import add_stream
from streamagents.topics import state_table

if TYPE_CHECKING:
    from streamagents.agents import Registration, Registry
    from streamagents.ports import Observer
    from streamagents.settings import Settings
    from streamagents.topics import Layout, TopicSpec

REBALANCE_S = 30.0
_REBALANCE_SHARE = 1 / 3
"""Of the rebalance timeout, what running agents get to end: the whole group waits for us."""
_BUFFERED = 4
"""Events of a partition in our hands, as a multiple of those that may run: keys are uneven."""


def build_engine(
    app: Any, registry: Registry, layout: Layout, settings: Settings, observer: Observer
) -> Engine:
    """Give a Faust app its tables, streams and consumer, and put together what they feed."""
    typed = {
        type_: _subscription(layout, layout.typed(registration.event), registration)
        for type_, registration in registry.agents.items()
    }
    inbox = _subscription(layout, layout.inbox(), registry.fallback)
    subscriptions = {s.topic: s for s in (*typed.values(), inbox)}
    tables = {
        count: app.Table(
            state_table(count),
            partitions=count,
            key_type=bytes,
            value_type=bytes,
            help="Marks of events, seen ids among them.",
            options={"driver": "rocksdict", "write_buffer_size": 8 << 20},
        )
        for count in sorted({s.partitions for s in subscriptions.values()})
    }
    for topic in subscriptions:
        add_stream(app, topic)
    app.transport = RecordTransport(app.conf.broker_consumer, app)
    return Engine(
        app,
        subscriptions=subscriptions,
        inbox={inbox.topic: typed},
        worker=_worker(app, registry, layout, settings, observer),
        tables=tables,
        limit=max(1000, _BUFFERED * settings.in_flight),
        release_s=REBALANCE_S * _REBALANCE_SHARE,
        partition_of=partition_of,
    )


def _worker(
    app: Any, registry: Registry, layout: Layout, settings: Settings, observer: Observer
) -> Worker:
    clock = SystemClock()
    destinations = {
        model: Destination(topic=spec.name, partitions=spec.partitions)
        for model in registry.events.values()
        for spec in (layout.typed(model.event_type),)
    }
    return Worker(
        process=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}",
        group=app.conf.id,
        gate=Gate(settings.in_flight),
        attempts=Attempts(app.conf.id, destinations, partition_of=partition_of, clock=clock),
        clock=clock,
        observer=observer,
        alive=lambda: app.consumer.silent_s < settings.session_timeout_s,
    )


def _subscription(layout: Layout, spec: TopicSpec, registration: Registration) -> Subscription:
    return Subscription(
        topic=spec.name,
        letters=layout.letters_name(spec.name),
        partitions=spec.partitions,
        registration=registration,
    )
