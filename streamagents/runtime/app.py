"""`create_app`: from a registry of agents to a real `faust.App`."""

from __future__ import annotations

import re
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

import faust
from faust.exceptions import AlreadyConfiguredWarning
from faust.types import TP

from streamagents.actions.building import build_channels
from streamagents.agents import build_registry
from streamagents.errors import ConfigurationError
from streamagents.runtime.channels import close_channels
from streamagents.runtime.clock import SystemClock
from streamagents.runtime.faustsettings import faust_settings
from streamagents.runtime.freeing import Freeing
from streamagents.runtime.garbage import calm_garbage_collector
from streamagents.runtime.internals import (
    WorkerBoot,
    commit_last,
)
from streamagents.runtime.leader import LOOK_S, Clockwork, build_clockwork
from streamagents.runtime.logs import configure_logs, start_logs, stop_logs
from streamagents.runtime.models import build_model, close_model, open_model
from streamagents.runtime.monitors import (
    build_web,
    emitted_by_monitors,
    monitors_from,
    wound,
)
from streamagents.runtime.observers import Observers, PollObservers
from streamagents.runtime.outbox import register_channels
from streamagents.runtime.pauses import AgentPauses
from streamagents.runtime.spending import build_asker
from streamagents.runtime.stall import StallWatch
from streamagents.runtime.startup import lifetimes, prepare
from streamagents.runtime.tables import refuse_apart, state_tables
from streamagents.runtime.ticking import register_tickings, tickings
from streamagents.runtime.web import add_metrics, add_web, start_web
from streamagents.runtime.wiring import build_engine
from streamagents.settings import Settings, load_settings
from streamagents.topics import Layout, TopicSpec
from streamagents.triggers.cron.configured import configured

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from logging import Handler

    from streamagents.actions import Channel, Delivery
    from streamagents.agents import Registry
    from streamagents.agents.tick import Ticking
    from streamagents.events import Event
    from streamagents.llm.limits import Limits
    from streamagents.monitors import Web
    from streamagents.monitors.configured import MonitorDefault
    from streamagents.ops.metrics import WorkerMetrics
    from streamagents.ports import Model, Trigger
    from streamagents.runtime.engine import Engine
    from streamagents.runtime.lookout import Lookout
    from streamagents.runtime.web import WorkerWeb

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


class StreamApp(faust.App):  # type: ignore[misc] # Faust is not typed for us
    """A Faust app whose topics are handled by plain agents."""

    BootStrategy = WorkerBoot

    registry: Registry
    layout: Layout
    settings: Settings
    engine: Engine
    channels: Mapping[str, Delivery]
    observers: Observers
    polls: PollObservers
    """Told what schedules and monitors did."""
    pauses: AgentPauses
    """Holds agents back, on this worker."""
    triggers: tuple[Trigger, ...]
    """What turns the world into events; hooks, bridges and folders have processes of their own."""
    ticking: Mapping[str, Ticking]
    """Those of them that the clock wakes, by name."""
    clockwork: Clockwork
    watching: Web
    """What all monitors of this worker ask through."""
    model: Model
    """Who answers `ctx.llm`."""
    stall_watch: StallWatch
    freeing: Freeing
    metrics: WorkerMetrics
    lookout: Lookout
    web_pages: WorkerWeb
    log_file: Handler | None = None

    @property
    def group(self) -> str:
        """The consumer group, which also names the state and the transactions."""
        return str(self.conf.id)

    def specs(self) -> list[TopicSpec]:
        """Every topic that the application reads or writes, as it has to be."""
        layout = self.layout
        consumed = [layout.typed(r.event) for r in self.registry.agents.values()]
        consumed += [layout.inbox(), layout.actions()]
        consumed += [layout.ticks()] if self.ticking else []
        names = {spec.name for spec in consumed}
        emitted = [
            spec
            for model in self.registry.events.values()
            if (spec := layout.typed(model.event_type)).name not in names
        ]
        counts = sorted(state_tables(self.registry, layout))
        return [
            *consumed,
            *emitted,
            *(layout.letters(spec) for spec in consumed),
            layout.letter_states(),
            layout.audit(),
            *(layout.changelog(self.conf.id, count) for count in counts),
        ]

    def is_leader(self) -> bool:
        """Whether this worker does what one of the group has to do.

        It owns partition 0 of the ticks, else of the inbox. Faust's own leader needs a topic of
        its own, and leads before its state is recovered. `@app.timer(on_leader=True)` asks here.
        """
        spec = self.layout.ticks() if self.ticking else self.layout.inbox()
        return self.engine.owns(TP(spec.name, 0))

    async def on_first_start(self) -> None:
        """Wait for the broker, look at the topics, take a data folder; then as in Faust."""
        self.log_file = start_logs(self.settings)
        start_web(self)
        folder, topics = await prepare(self.settings, self.conf.id, self.specs())
        self.lookout.prepared(folder)
        await open_model(self.model, self.settings.model)
        self.engine.lifetimes = lifetimes(self.settings.dedupe_ttl_s, topics)
        with warnings.catch_warnings():
            # Faust warns of a late change; no table has been opened yet.
            warnings.simplefilter("ignore", AlreadyConfiguredWarning)
            self.conf.datadir = folder
        await super().on_first_start()
        calm_garbage_collector()
        self.engine.start_ticking()
        self.stall_watch.start()
        self.freeing.start()

    async def on_stop(self) -> None:
        """Drain before Faust stops anything: what ends later could not be written."""
        self.lookout.stopping()
        await self.engine.shut_down(self.settings.shutdown_grace_s)
        await commit_last(self)
        self.engine.drop()
        self.stall_watch.stop()
        await self.clockwork.close()
        await close_model(self.model)
        await close_channels(self.channels)
        await self.watching.close()
        await super().on_stop()
        await self.freeing.stop()
        await self.lookout.stop()
        self.web_pages.stop()
        stop_logs(self.log_file)


def create_app(
    name: str,
    *,
    agents: Mapping[str, Any],
    fallback: Any,
    emits: Iterable[type[Event]] = (),
    channels: Iterable[Channel | Delivery] = (),
    triggers: Iterable[Trigger] = (),
    monitor_defaults: Mapping[str, MonitorDefault] | None = None,
    model: Model | None = None,
    limits: Limits | None = None,
    settings: Settings | None = None,
) -> StreamApp:
    """Build an application: `faust -A module worker` runs it.

    Args:
        name: names the consumer group, the state and the transactions; never change it lightly.
        agents: event type -> agent, or `Route(agent, ...)` with its policy.
        fallback: the agent of events whose type nobody registered; its `run` takes a dict.
        emits: event models that agents emit and no agent takes. Models in the return annotation
            of an agent's `run` need not be named.
        channels: what delivers effects (`ctx.act`), each alone or in a `Delivery(channel, ...)`
            with its policy. The channel `log` is always there.
        triggers: schedules, monitors, hooks and whatever else turns the world into events.
        monitor_defaults: by kind, what monitors of the settings make where these do not say it.
        model: who answers `ctx.llm`, instead of the provider that the settings name.
        limits: what all agents together may ask of models, instead of the settings' limits.
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
    app_id = settings.topic_prefix + name
    app = StreamApp(app_id, **faust_settings(app_id, settings))
    app.settings = settings
    given = tuple(triggers)
    made = tuple(model for trigger in given for model in trigger.emits)
    made = (*made, *emitted_by_monitors(settings))
    app.registry = build_registry(agents, fallback=fallback, emits=(*emits, *made))
    app.triggers = (*given, *_of_settings(name, settings, app.registry, monitor_defaults or {}))
    app.polls = PollObservers()
    clock = SystemClock()
    app.watching = build_web(settings, clock)
    app.ticking = tickings(wound(app.triggers, app.watching, app.polls), app.polls)
    app.layout = Layout(
        prefix=settings.topic_prefix,
        partitions=settings.partitions,
        replication=settings.replication,
    )
    refuse_apart(app.registry, app.layout)
    app.model = model or build_model(settings)
    app.channels = build_channels(channels)
    app.observers, app.pauses = Observers(), AgentPauses(clock)
    add_metrics(app)
    asker, till = build_asker(
        app.model,
        app.registry,
        limits or settings.limits,
        default_model=settings.model,
        partitions=sum(state_tables(app.registry, app.layout)),
        pauses=app.pauses,
        clock=clock,
    )
    app.engine = build_engine(
        app,
        app.registry,
        app.layout,
        settings,
        channels=register_channels(app.channels, clock, app.metrics.events),
        ticking=register_tickings(app.ticking),
        pauses=app.pauses,
        observer=app.observers,
        asker=asker,
        till=till,
    )
    add_web(app)
    app.freeing = Freeing(
        settings.bootstrap, app.layout.letter_states().name, app.engine, app.group
    )
    app.clockwork = build_clockwork(
        app.conf.id, app.ticking, app.layout, bootstrap=settings.bootstrap, clock=clock
    )
    if app.ticking:
        app.timer(LOOK_S, on_leader=True, traced=False, name="ticks")(app.clockwork.look)
    registrations = (*app.registry.agents.values(), app.registry.fallback)
    app.stall_watch = StallWatch(
        (*(registration.route.agent for registration in registrations), *app.ticking.values()),
        stuck_after_s=settings.stuck_after_s,
    )
    return app


def _of_settings(
    name: str, settings: Settings, registry: Registry, defaults: Mapping[str, MonitorDefault]
) -> tuple[Trigger, ...]:
    try:
        return (
            *configured(settings.schedules, registry),
            *monitors_from(settings, registry, defaults),
        )
    except ConfigurationError as exc:  # a module that is imported for a class may make one, too
        raise ConfigurationError(f"The application {name!r}: {exc}") from exc


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
