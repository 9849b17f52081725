"""The bridges as a process: the queues of an application, each passed on until a signal comes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from streamagents.bus.group import KafkaGroup
from streamagents.errors import ConfigurationError
from streamagents.pipeline.addressing import known
from streamagents.runtime.clock import SystemClock
from streamagents.runtime.ears import Ears, heard_of_queue
from streamagents.runtime.serving import log_as_set, targets, together, until_stopped, writing
from streamagents.triggers.bridge import Bridge, KafkaQueue, RedisQueue, SqsQueue
from streamagents.triggers.bridge.passing import Passing
from streamagents.triggers.bridge.translation import Translation
from streamagents.triggers.inbound import Inbound
from streamagents.triggers.sending import Sender

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamagents.ports import BulkBus, Queue
    from streamagents.runtime.app import StreamApp
    from streamagents.topics import TopicSpec

log = structlog.stdlib.get_logger("streamagents.runtime")


def bridges_of(app: StreamApp) -> dict[str, Bridge]:
    """The bridges that an application and its settings name.

    Raises:
        ConfigurationError: two have one name, or one of the settings cannot work.
    """
    declared = [trigger for trigger in app.triggers if isinstance(trigger, Bridge)]
    named = [setting.bridge(name) for name, setting in app.settings.bridges.items()]
    bridges: dict[str, Bridge] = {}
    for bridge in (*declared, *named):
        if bridge.name in bridges:
            raise ConfigurationError(f"Two bridges are named {bridge.name!r}: rename one.")
        bridges[bridge.name] = bridge
    return bridges


def has_bridges(app: StreamApp) -> bool:
    """Whether `streamagents bridge` has something to do."""
    return bool(bridges_of(app))


def bridge(app: StreamApp, names: Sequence[str]) -> None:
    """Pass messages on until SIGTERM or SIGINT; what is under way is finished, within the grace.

    Args:
        app: the application.
        names: of bridges; none is all.

    Raises:
        ConfigurationError: there is no such bridge, or the client of its queue is not installed.
        TopicsError: the events' topics are not as they have to be.
        QueueError: a queue refuses us.
    """
    log_as_set(app.settings)
    bridges = _chosen(bridges_of(app), names)
    passings: list[Passing] = []
    ears = Ears(app, _topics(app, bridges))

    def stop() -> bool:
        ears.stopping()
        for passing in passings:
            passing.stop()
        return bool(passings)  # else our own broker is waited for still

    asyncio.run(
        until_stopped(
            _bridge(app, bridges, passings, ears), stop, grace_s=app.settings.shutdown_grace_s
        )
    )


def _topics(app: StreamApp, bridges: Sequence[Bridge]) -> list[TopicSpec]:
    return targets(app, [type_ for one in bridges for type_ in (one.type, one.unmapped_type)])


async def _bridge(
    app: StreamApp, bridges: Sequence[Bridge], passings: list[Passing], ears: Ears
) -> None:
    settings, queues = app.settings, [queue_of(app, one) for one in bridges]
    async with (
        ears.shown(settings.bind, settings.bridge_port, "STREAMAGENTS_BRIDGE_PORT"),
        writing(settings, _topics(app, bridges)) as (bus, _),
    ):
        passings += [
            _passing(app, one, queue, bus) for one, queue in zip(bridges, queues, strict=True)
        ]
        sources = [one.source for one in bridges]
        ears.begin(lambda: map(heard_of_queue, sources, passings))
        await together(passing.run() for passing in passings)


def _passing(app: StreamApp, one: Bridge, queue: Queue, bus: BulkBus) -> Passing:
    clock = SystemClock()
    inbound = Inbound(registry=app.registry, layout=app.layout, clock=clock, source=one.source)
    translation = Translation(one, inbound, known(app.registry, one.type)[1])
    log.info("bridging", bridge=one.name, queue=type(one.queue).__name__, type=one.type)
    return Passing(one, queue, translation, Sender(bus, clock), clock)


def queue_of(app: StreamApp, one: Bridge) -> Queue:
    """The queue of a bridge; it connects when it is first asked.

    Raises:
        ConfigurationError: its client is not installed, or it would feed itself.
    """
    queue, group = one.queue, f"{app.conf.id}-bridge-{one.name}"
    if isinstance(queue, KafkaQueue):
        return _kafka(app, one, queue, group)
    try:
        if isinstance(queue, RedisQueue):
            from streamagents.triggers.bridge.redis_stream import RedisStream  # noqa: PLC0415

            return RedisStream(queue, group)
        if isinstance(queue, SqsQueue):
            from streamagents.triggers.bridge.sqs import SqsMessages  # noqa: PLC0415

            return SqsMessages(queue)
    except ModuleNotFoundError as exc:
        extra = "redis" if isinstance(queue, RedisQueue) else "sqs"
        raise ConfigurationError(
            f"The bridge {one.name!r} needs a client: pip install 'streamagents[{extra}]'."
        ) from exc
    return queue


def _kafka(app: StreamApp, one: Bridge, queue: KafkaQueue, group: str) -> KafkaGroup:
    ours = app.settings.bootstrap
    fed = {spec.name for spec in targets(app, (one.type, one.unmapped_type))}
    if queue.bootstrap in {None, ours} and queue.topic in fed:
        raise ConfigurationError(
            f"The bridge {one.name!r} would read what it writes: {queue.topic} is the topic of its "
            "own events."
        )
    access: dict[str, str] = {"security_protocol": queue.security}
    if queue.security.startswith("SASL"):
        access |= {
            "sasl_mechanism": queue.mechanism,
            "sasl_plain_username": queue.username or "",
            "sasl_plain_password": queue.password.get_secret_value() if queue.password else "",
        }
    if queue.ca_file is not None:
        access["ca_file"] = str(queue.ca_file)
    return KafkaGroup(queue.bootstrap or ours, queue.topic, queue.group or group, access=access)


def _chosen(bridges: dict[str, Bridge], names: Sequence[str]) -> list[Bridge]:
    if not bridges:
        raise ConfigurationError(
            "The application bridges no queue: hand one over as "
            "create_app(triggers=[Bridge(...)]), or name one in STREAMAGENTS_BRIDGES."
        )
    if missing := [name for name in names if name not in bridges]:
        raise ConfigurationError(
            f"There is no bridge named {missing[0]!r}, there is {', '.join(sorted(bridges))}."
        )
    return [bridges[name] for name in names or bridges]
