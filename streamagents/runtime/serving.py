"""Serving: what the processes beside the workers share, from their first log line to their last."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import structlog

from streamagents.bus import KafkaBus
from streamagents.errors import BrokerUnavailableError
from streamagents.pipeline.addressing import known
from streamagents.runtime.logs import start_logs
from streamagents.runtime.startup import ask, check_topics
from streamagents.settings import load_supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator

    from streamagents.ops.supervisor import Supervisor
    from streamagents.ops.view import Phase
    from streamagents.runtime.app import StreamApp
    from streamagents.settings import Settings
    from streamagents.topics import TopicSpec

log = structlog.stdlib.get_logger("streamagents.runtime")

_AGAIN_S = 1.0
_LOOK_S = 0.5
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def log_as_set(settings: Settings) -> None:
    """Show what is logged as a worker does it, to standard error unless the application decided.

    Raises:
        ConfigurationError: the log's file cannot be written.
    """
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s",
    )
    start_logs(settings)


async def until_stopped(
    work: Coroutine[None, None, None],
    stop: Callable[[], bool] | None = None,
    *,
    grace_s: float = 0.0,
) -> None:
    """Run until the work ends by itself, or SIGTERM or SIGINT comes.

    Args:
        work: what is to run.
        stop: asks it to end by itself, and says whether it can; else it is cancelled. A second
            signal always does that.
        grace_s: what it gets to end by itself.

    Raises: what the work raises.
    """
    task = asyncio.ensure_future(work)
    with _told(task, stop, grace_s):
        await asyncio.wait([task])
    if not task.cancelled():
        task.result()


@contextmanager
def _told(
    task: asyncio.Future[None], stop: Callable[[], bool] | None, grace_s: float
) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    signals = 0

    def on_signal() -> None:
        nonlocal signals
        signals += 1
        log.info("stopping")
        if signals == 1 and stop is not None and stop():
            loop.call_later(grace_s, task.cancel)
        else:
            task.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def together(works: Iterable[Coroutine[None, None, None]]) -> None:
    """Run until all have ended, or one fails.

    Raises: what the first one raised.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except ExceptionGroup as several:
        raise several.exceptions[0] from None


@asynccontextmanager
async def supervised(look: Callable[[], tuple[Phase, str]]) -> AsyncIterator[None]:
    """Tell whoever supervises this process how it does, for as long as its event loop turns.

    Args:
        look: the phase, and words for a person.
    """
    supervisor = load_supervisor()
    if not supervisor.listens:
        yield
        return
    telling = asyncio.create_task(_tell_on(supervisor, look))
    try:
        yield
    finally:
        telling.cancel()
        supervisor.tell("stopping")


async def _tell_on(supervisor: Supervisor, look: Callable[[], tuple[Phase, str]]) -> None:
    while True:
        phase, words = look()
        supervisor.tell(phase, words)
        await asyncio.sleep(min(_LOOK_S, supervisor.beat_s))


def targets(app: StreamApp, types: Iterable[str]) -> list[TopicSpec]:
    """The topics that events of these types go to."""
    specs = {}
    for type_ in types:
        event, _ = known(app.registry, type_)
        spec = app.layout.typed(event) if event else app.layout.inbox()
        specs[spec.name] = spec
    return list(specs.values())


@asynccontextmanager
async def writing(
    settings: Settings, topics: list[TopicSpec]
) -> AsyncIterator[tuple[KafkaBus, str]]:
    """A bus to our broker, which is waited for as long as it takes, with one warning.

    Gives the bus, and the id of the cluster.

    Raises:
        TopicsError: one of the topics is missing or has another number of partitions.
    """
    state: tuple[Phase, str] = ("starting", "a Kafka broker is waited for")
    async with supervised(lambda: state):
        cluster, actual = await ask(settings.bootstrap, [spec.name for spec in topics])
        check_topics(topics, actual)
        bus = await _connected(settings.bootstrap)
        state = ("running", "ok")
        try:
            yield bus, cluster
        finally:
            await bus.__aexit__(None, None, None)


async def _connected(bootstrap: str) -> KafkaBus:
    warned = False
    while True:
        try:
            return await KafkaBus(bootstrap).__aenter__()
        except BrokerUnavailableError:  # it answered a moment ago
            if not warned:
                log.warning("waiting_for_broker", bootstrap=bootstrap)
                warned = True
            await asyncio.sleep(_AGAIN_S)
