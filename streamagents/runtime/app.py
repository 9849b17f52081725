"""`create_app`: from a registry of agents to a real `faust.App`."""

from __future__ import annotations

import gc
import os
import re
import secrets
import socket
import warnings
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import faust
from aiokafka.partitioner import murmur2
from faust.exceptions import AlreadyConfiguredWarning

from streamagents.agents import build_registry
from streamagents.errors import ConfigurationError
from streamagents.pipeline.chain import Subscription
from streamagents.runtime.attempt import Attempts, Destination
from streamagents.runtime.clock import SystemClock
from streamagents.runtime.engine import Engine
from streamagents.runtime.gate import Gate
from streamagents.runtime.handling import Worker
from streamagents.runtime.internals import RecordTransport
from streamagents.runtime.logs import configure_logs
from streamagents.runtime.observers import Observers
from streamagents.runtime.process import StreamWorker
from streamagents.runtime.stall import StallWatch
from streamagents.runtime.startup import prepare
from streamagents.runtime.streams import add_stream
from streamagents.settings import Settings, load_settings
from streamagents.topics import Layout, TopicSpec, state_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamagents.agents import Registry
    from streamagents.events import Event

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_REBALANCE_S = 30.0
_REBALANCE_SHARE = 1 / 3
"""Of the rebalance timeout, what running agents get to end: the whole group waits for us."""
_BUFFERED = 4
"""Events of a partition in our hands, as a multiple of those that may run: keys are uneven."""


class WorkerBoot(faust.App.BootStrategy):  # type: ignore[misc] # Faust is not typed for us
    """Faust's start-up without its web server, unless our setting asks for it."""

    def _should_enable_web(self) -> bool:
        return bool(self.app.settings.faust_web and super()._should_enable_web())


class StreamApp(faust.App):  # type: ignore[misc] # Faust is not typed for us
    """A Faust app whose topics are handled by plain agents."""

    BootStrategy = WorkerBoot

    registry: Registry
    layout: Layout
    settings: Settings
    engine: Engine
    observers: Observers
    stall_watch: StallWatch

    def specs(self) -> list[TopicSpec]:
        """Every topic that the application reads or writes, as it has to be."""
        layout = self.layout
        consumed = [layout.typed(r.event) for r in self.registry.agents.values()]
        consumed.append(layout.inbox())
        names = {spec.name for spec in consumed}
        emitted = [
            spec
            for model in self.registry.events.values()
            if (spec := layout.typed(model.event_type)).name not in names
        ]
        counts = sorted({spec.partitions for spec in consumed})
        return [
            *consumed,
            *emitted,
            *(layout.letters(spec) for spec in consumed),
            *(layout.changelog(self.conf.id, count) for count in counts),
        ]

    async def on_first_start(self) -> None:
        """Wait for the broker, look at the topics, take a data folder; then as in Faust."""
        folder = await prepare(self.settings, self.conf.id, self.specs())
        with warnings.catch_warnings():
            # Faust warns of a late change; no table has been opened yet.
            warnings.simplefilter("ignore", AlreadyConfiguredWarning)
            self.conf.datadir = folder
        await super().on_first_start()
        _calm_garbage_collector()
        self.stall_watch.start()

    async def on_stop(self) -> None:
        """Drain before Faust stops anything: what ends later could not be written."""
        await self.engine.shut_down(self.settings.shutdown_grace_s)
        if self._consumer is not None:
            await self.consumer.commit()
        self.engine.drop()
        self.stall_watch.stop()
        await super().on_stop()


def create_app(
    name: str,
    *,
    agents: Mapping[str, Any],
    fallback: Any,
    emits: Iterable[type[Event]] = (),
    settings: Settings | None = None,
) -> StreamApp:
    """Build an application: `faust -A module worker` runs it.

    Args:
        name: names the consumer group, the state and the transactions; never change it lightly.
        agents: event type -> agent, or `Route(agent, ...)` with its policy.
        fallback: the agent of events whose type nobody registered; its `run` takes a dict.
        emits: event models that agents emit and no agent takes. Models in the return annotation
            of an agent's `run` need not be named.
        settings: instead of the environment's.

    Raises:
        ConfigurationError: the registry or the settings cannot work.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"create_app({name!r}): a name has 1 to 80 letters, digits, dots, underscores or "
            "hyphens."
        )
    configure_logs()
    settings = settings or load_settings()
    app = _faust_app(settings.topic_prefix + name, settings)
    app.settings = settings
    app.registry = build_registry(agents, fallback=fallback, emits=emits)
    app.layout = Layout(
        prefix=settings.topic_prefix,
        partitions=settings.partitions,
        replication=settings.replication,
    )
    app.observers = Observers()
    app.engine = _engine(app)
    registrations = (*app.registry.agents.values(), app.registry.fallback)
    app.stall_watch = StallWatch(registration.route.agent for registration in registrations)
    return app


def load_app(module: str) -> StreamApp:
    """The application in a module, named as for `faust -A`.

    Raises:
        ConfigurationError: there is no such module, or no application in it.
    """
    path, _, attribute = module.partition(":")
    try:
        app = getattr(import_module(path), attribute or "app", None)
    except ModuleNotFoundError as exc:
        raise ConfigurationError(
            f"There is no module {exc.name!r}: name the application's module as in "
            "`faust -A MODULE`, from a folder where Python finds it."
        ) from exc
    if not isinstance(app, StreamApp):
        raise ConfigurationError(
            f"The module {path!r} has no `{attribute or 'app'} = create_app(...)`."
        )
    return app


def _faust_app(app_id: str, settings: Settings) -> StreamApp:
    return StreamApp(
        app_id,
        broker=";".join(f"kafka://{address.strip()}" for address in settings.bootstrap.split(",")),
        store="rocksdb://",
        datadir=str(settings.data_dir / app_id),
        topic_partitions=settings.partitions,
        topic_replication_factor=settings.replication,
        topic_disable_leader=True,  # no timers yet
        web_enabled=settings.faust_web,
        stream_wait_empty=False,  # we drain ourselves, within a bound
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=min(3.0, settings.session_timeout_s / 3),
        broker_rebalance_timeout=_REBALANCE_S,
        broker_request_timeout=40.0,
        # Back-pressure must not look like death: stock leaves the group and never comes back.
        broker_max_poll_interval=1_000_000.0,
        broker_max_poll_records=1000,
        broker_commit_interval=1.0,
        consumer_auto_offset_reset="earliest",
        stream_processing_timeout=86_400.0,  # an agent may take its time: our own limits rule
        broker_commit_livelock_soft_timeout=86_400.0,
        autodiscover=False,
        Worker=StreamWorker,
    )


def _calm_garbage_collector() -> None:
    """Look through thousands of waiting lanes less often.

    Python's default walks all of them every few hundred allocations: with 1,000 agents waiting
    that was more than half of the worker's CPU time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 1000)


def _engine(app: StreamApp) -> Engine:
    registry, layout, settings = app.registry, app.layout, app.settings
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
        worker=_worker(app),
        tables=tables,
        limit=max(1000, _BUFFERED * settings.in_flight),
        release_s=_REBALANCE_S * _REBALANCE_SHARE,
        partition_of=partition_of,
    )


def _worker(app: StreamApp) -> Worker:
    clock = SystemClock()
    destinations = {
        model: Destination(topic=spec.name, partitions=spec.partitions)
        for model in app.registry.events.values()
        for spec in (app.layout.typed(model.event_type),)
    }
    return Worker(
        process=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}",
        group=app.conf.id,
        gate=Gate(app.settings.in_flight),
        attempts=Attempts(app.conf.id, destinations, partition_of=partition_of, clock=clock),
        clock=clock,
        observer=app.observers,
        alive=lambda: app.consumer.silent_s < app.settings.session_timeout_s,
    )


def _subscription(layout: Layout, spec: TopicSpec, registration: Any) -> Subscription:
    return Subscription(
        topic=spec.name,
        letters=layout.letters_name(spec.name),
        partitions=spec.partitions,
        registration=registration,
    )


@lru_cache(maxsize=65_536)  # murmur2 is pure Python, and keys come again
def _hash(key: bytes) -> int:
    return int(murmur2(key)) & 0x7FFFFFFF


def partition_of(key: bytes, partitions: int) -> int:
    """Kafka's default partitioner: where a key belongs."""
    return _hash(key) % partitions
