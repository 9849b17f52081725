"""The leader's clockwork: a tick for each new slot of what the clock wakes.

The leader is the worker that owns partition 0 of the ticks' topic. Whoever becomes it writes the
current slots again: a duplicate by its id is skipped. So nothing has to be handed over.
"""

from __future__ import annotations

from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Protocol

import structlog

from streamagents.agents.tick import Tick
from streamagents.bus import KafkaBus
from streamagents.errors import describe
from streamagents.events import new_traceparent
from streamagents.pipeline.ticks import tick_record
from streamagents.runtime.emitter import Destination
from streamagents.runtime.partitioner import partition_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from streamagents.agents.tick import Ticking
    from streamagents.pipeline.chain import Partitioner
    from streamagents.ports import Clock, Outgoing, Position
    from streamagents.topics import Layout

log = structlog.stdlib.get_logger("streamagents.runtime")

LOOK_S = 1.0
"""A slot is written so long after its moment, at most, while the broker answers."""
_WRITE_S = 5.0


class TickBus(Protocol):
    """Writes several records outside of any event's group."""

    async def send_all(self, records: list[Outgoing]) -> list[Position]:
        """Write, and wait until the broker has them."""


class Clockwork:
    """Writes ticks while its worker leads.

    Args:
        app_id: the application.
        ticking: what the clock wakes, by name.
        destination: the ticks' topic.
        partition_of: Kafka's partitioner.
        clock: the time.
        connect: opens a bus.
    """

    def __init__(
        self,
        app_id: str,
        ticking: Mapping[str, Ticking],
        *,
        destination: Destination,
        partition_of: Partitioner,
        clock: Clock,
        connect: Callable[[], AbstractAsyncContextManager[TickBus]],
    ) -> None:
        self._app_id, self._ticking, self._clock = app_id, ticking, clock
        self._destination, self._partition_of = destination, partition_of
        self._connect = connect
        self._open: AbstractAsyncContextManager[TickBus] | None = None
        self._bus: TickBus | None = None
        self._written: dict[str, datetime] = {}
        """By name, the last slot that the broker has from us."""
        self._broken: set[str] = set()
        self._waiting = False

    async def look(self) -> None:
        """Write a tick for each slot that is new. Raises nothing: the next second tries again."""
        ticks = self._due()
        if not ticks:
            return
        try:
            await self._write([self._record(tick) for tick in ticks])
        except Exception as exc:  # noqa: BLE001 - the timer must live: the next look connects anew
            if not self._waiting:
                names = [tick.name for tick in ticks]
                log.warning("ticks_not_written", error=describe(exc), names=names)
            self._waiting = True
            # A producer that holds what it cannot deliver would deliver it late.
            await self.close()
            return
        if self._waiting:
            log.info("ticks_written_again")
        self._waiting = False
        self._written.update((tick.name, tick.slot) for tick in ticks)

    async def close(self) -> None:
        """Give the connection back."""
        opened, self._open, self._bus = self._open, None, None
        if opened is not None:
            await opened.__aexit__(None, None, None)

    def _due(self) -> list[Tick]:
        """Slots that are not the last one written; after a clock was set back, that one again."""
        now = self._clock.now()
        ticks = (self._tick(name, ticking, now) for name, ticking in self._ticking.items())
        return [tick for tick in ticks if tick and tick.slot != self._written.get(tick.name)]

    def _tick(self, name: str, ticking: Ticking, now: datetime) -> Tick | None:
        try:
            slot = ticking.slot(now)
            tick = None if slot is None else Tick(name=name, slot=slot)
        except Exception as exc:  # noqa: BLE001 - a user's own must not stop the clock of others
            if name not in self._broken:
                log.warning("slot_failed", name=name, error=describe(exc))
            self._broken.add(name)
            return None
        self._broken.discard(name)
        if tick is not None:
            tick.slot = tick.slot.astimezone(UTC)  # within a zone, times are compared without fold
        return tick

    def _record(self, tick: Tick) -> Outgoing:
        return tick_record(
            tick,
            app_id=self._app_id,
            topic=self._destination.topic,
            partition=self._partition_of(tick.name.encode(), self._destination.partitions),
            now=self._clock.now(),
            traceparent=new_traceparent(),
        )

    async def _write(self, records: list[Outgoing]) -> None:
        """Write all, or raise; connect first if need be."""
        if self._bus is None:
            opened = self._connect()
            self._bus = await opened.__aenter__()
            self._open = opened
        await self._bus.send_all(records)


def build_clockwork(
    app_id: str, ticking: Mapping[str, Ticking], layout: Layout, *, bootstrap: str, clock: Clock
) -> Clockwork:
    """The clockwork of an application, on Kafka."""
    spec = layout.ticks()
    return Clockwork(
        app_id,
        ticking,
        destination=Destination(topic=spec.name, partitions=spec.partitions),
        partition_of=partition_of,
        clock=clock,
        connect=partial(KafkaBus, bootstrap, timeout_s=_WRITE_S),
    )
