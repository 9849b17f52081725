"""Waiting: the events of a state partition that wait in the state, and how they come back."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

import structlog

from streamagents.pipeline.places import PARKED
from streamagents.pipeline.stored import StoredRecord
from streamagents.pipeline.wait import MAX_PARKED, milliseconds
from streamagents.runtime.delayed import Delayed
from streamagents.runtime.lane import digest_of, lane_of
from streamagents.runtime.parked import Parked, is_parked
from streamagents.runtime.reports import report_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping
    from datetime import datetime

    from streamagents.pipeline.outcome import Incoming
    from streamagents.ports import Clock, Observer, Record
    from streamagents.runtime.case import Case
    from streamagents.runtime.reception import Reception
    from streamagents.runtime.settling import Settling
    from streamagents.runtime.store import Store

_LOOKED_INTO = 200
"""Lanes in one go."""

log = structlog.stdlib.get_logger("streamagents.runtime")


class Waiting:
    """Parked lanes and delayed events of one state partition.

    Args:
        store: the partition's state.
        settling: makes it durable.
        clock: the time.
        observer: is told.
        receptions: by topic, where what has waited goes; filled before anything is taken in.
        takes: whether events of a topic may run now.
    """

    def __init__(
        self,
        store: Store,
        settling: Settling,
        *,
        clock: Clock,
        observer: Observer,
        receptions: Mapping[str, Reception],
        takes: Callable[[str], bool],
    ) -> None:
        self._takes = takes
        self._settling, self._clock, self._observer = settling, clock, observer
        self._receptions = receptions
        self._parked, self._delayed = Parked(store), Delayed(store)
        self._agents: dict[bytes, str] = {}  # of parked lanes, as far as they are known

    def read(self) -> None:
        """Read which lanes are parked: before it, nothing may be taken in."""
        self._parked.read()

    @property
    def parked(self) -> int:
        """How many events are parked."""
        return self._parked.count

    @property
    def full(self) -> bool:
        """Whether no more may be parked: the partition is to be paused."""
        return self._parked.count >= MAX_PARKED

    def parked_by_agent(self) -> Counter[str]:
        """How many events are parked; lanes that an earlier owner left are read by and by."""
        lanes = self._parked.lanes()
        self._agents = {lane: agent for lane, agent in self._agents.items() if lane in lanes}
        for lane in islice((lane for lane in lanes if lane not in self._agents), _LOOKED_INTO):
            self._agents[lane] = self._whose(lane)
        counts: Counter[str] = Counter()
        for lane, agent in self._agents.items():
            if agent:
                counts[agent] += lanes[lane]
        return counts

    def _whose(self, lane: bytes) -> str:
        record = self._parked.head(lane)
        reception = None if record is None else self._receptions.get(record.topic)
        return "" if record is None or reception is None else reception.whose(record)

    # -- into the state --------------------------------------------------------------------------

    def delay(self, incoming: Incoming, until: datetime) -> None:
        """An event may not run yet. It holds nobody up."""
        record = incoming.record
        writes = self._delayed.put(record, milliseconds(until))
        (entry,) = writes

        def arrived() -> None:
            self._delayed.arrived(entry)
            self._observer.observe(report_of("delayed", incoming))

        refused = self._refusal(record, {})
        self._settling.put_away(record, writes, refused=refused, arrived=arrived)

    def park(self, case: Case, after_s: float) -> None:
        """The head of a lane has to wait: its lane waits with it."""
        record = case.incoming.record
        due_ms = milliseconds(self._clock.now()) + round(after_s * 1000)
        if isinstance(record, StoredRecord) and is_parked(record):
            writes = self._parked.postpone(record, due_ms)
        else:
            writes = self._parked.put(digest_of(lane_of(case.incoming)), record, due_ms)
        self._settling.parked(case, writes, self._refusal(record, writes))

    def behind(self, incoming: Incoming) -> bool:
        """Put an event behind its lane's parked ones, if there are any."""
        lane = digest_of(lane_of(incoming))
        if not self._parked.holds(lane):
            return False
        writes = self._parked.put(lane, incoming.record)
        refused = self._refusal(incoming.record, writes)
        self._settling.put_away(incoming.record, writes, refused=refused)
        return True

    def _refusal(
        self, record: Record, writes: Mapping[bytes, object]
    ) -> Callable[[BaseException], None]:
        def refused(error: BaseException) -> None:
            for entry in writes:
                if entry.startswith(PARKED):
                    self._parked.drop(entry)
            self._receptions[record.topic].refuse(record, error)

        return refused

    # -- out of it -------------------------------------------------------------------------------

    def load(self) -> list[StoredRecord]:
        """Delayed events that are due."""
        return self._delayed.load(milliseconds(self._clock.now()), self._takes)

    def due(self) -> Iterator[tuple[bytes, Incoming]]:
        """The heads of parked lanes that may run; each is named once, until it waits again."""
        for lane in self._parked.due(milliseconds(self._clock.now())):
            incoming = self._head(lane)
            if incoming is not None:
                yield lane, incoming

    async def run(self, lane: bytes, begin: Callable[[Incoming], Awaitable[object]]) -> None:
        """Run a parked lane, in order, until it is empty or its head has to wait again.

        Args:
            lane: its digest.
            begin: runs an event, in a context of its own; False if it waits again.
        """
        while (incoming := self._head(lane)) is not None:
            if await begin(incoming) is False:
                return
            self._took(incoming.record)

    def finished(self, record: StoredRecord) -> None:
        """A record that came out of the state has its outcome, durably."""
        self._delayed.finished(record)

    def _head(self, lane: bytes) -> Incoming | None:
        """The first event of a lane that may run; what may not, has been dealt with."""
        while (record := self._parked.head(lane)) is not None:
            reception = self._receptions.get(record.topic)
            if reception is None:
                # It stays in the state, for a version that takes it again, and holds up nobody.
                log.warning("nobody_takes_what_waits", topic=record.topic, offset=record.offset)
                self._took(record)
                continue
            incoming = reception.judge(record)
            if incoming is not None:
                return incoming
            self._took(record)
        return None

    def _took(self, record: Record) -> None:
        assert isinstance(record, StoredRecord)  # noqa: S101 - it came out of the state
        self._parked.drop(record.entry)
