"""Intake: from a poll to lanes. The only place that knows how records arrive."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from streamagents.ports import Report
from streamagents.runtime.group import Group
from streamagents.runtime.intent import AHEAD, NOTHING, Intent, intent_key
from streamagents.runtime.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamagents.pipeline.chain import Subscription
    from streamagents.ports import Clock, Observer, Record
    from streamagents.runtime.seam import Poll
    from streamagents.runtime.writer import Writer

MAX_SPAN = 100_000
"""Offsets behind an unfinished one that are kept track of; beyond it the partition is paused."""
IN_LINE = 100
"""Events of a source partition that are handed on whether there is room or not."""
SLICE_S = 0.01
"""What events may take that end at once before the loop goes round: transactions, heartbeats and
timers live on it, too."""
MAX_BYTES = 8 << 20
"""Bytes of records in the hands of one source partition."""


class Intake:
    """One source partition in one assignment.

    Args:
        subscription: the topic and its agent.
        start: where the seek of this assignment went, and the stamp of that seek.
        intent: what the partition's last owner intended, inherited.
        limit: events delivered and not finished, beyond which the partition is paused.
        most: of those, how many may be handed on.
        writer: for the intent.
        observer: is told what was received.
        receive: takes each record, as soon as it may begin.
        room: whether another one is worth beginning with; `admit` is called when that may have
            changed.
        clock: the time.
        again: called for another turn of `admit`, which comes soon, after those of the others.
        whose: names who handles a record, where it is worth counting.
    """

    def __init__(
        self,
        subscription: Subscription,
        *,
        start: tuple[int, object],
        intent: Intent,
        limit: int,
        most: int,
        writer: Writer,
        observer: Observer,
        receive: Callable[[Record], None],
        room: Callable[[], bool],
        clock: Clock,
        again: Callable[[], None],
        whose: Callable[[Record], str] | None = None,
    ) -> None:
        self.subscription = subscription
        position, self._seek = start
        self.ledger = Ledger(position)
        self.intent = intent
        self._limit, self._most = limit, most
        self._writer, self._observer = writer, observer
        self._receive, self._room = receive, room
        self._clock, self._again = clock, again
        self._intended = self._announced = NOTHING
        self._waiting: deque[Poll] = deque()
        self._ready: deque[Record] = deque()
        self._in_hand = 0  # handed on and not finished
        self._asked = False  # for another turn of `admit`
        self._bytes = 0
        self._stood_at = (-1, 0.0)  # (position, since when)
        self._arrived: deque[tuple[int, float]] = deque()  # (last offset of a poll, when it came)
        self._whose = whose
        self._named: dict[int, str] = {}  # by offset, where `whose` is given

    @property
    def full(self) -> bool:
        """Whether the partition is to be paused."""
        ledger = self.ledger
        return (
            ledger.unfinished >= self._limit or ledger.span >= MAX_SPAN or self._bytes >= MAX_BYTES
        )

    @property
    def waits(self) -> bool:
        """Whether something could be handed on."""
        return bool(self._ready or self._waiting)

    def take(self, poll: Poll) -> bool:
        """Take a poll. False: a poll is missing between this one and the last."""
        if poll.seek is not self._seek:
            return True  # of an earlier assignment: the seek brings its records again
        if poll.start != self.ledger.next:
            return False
        self.ledger.deliver((record.offset for record in poll.records), poll.end)
        self._bytes += sum(len(record.value or b"") for record in poll.records)
        if poll.records:
            self._waiting.append(poll)
            self._arrived.append((poll.records[-1].offset, self._clock.monotonic()))
            if self._whose is not None:
                self._named.update((record.offset, self._whose(record)) for record in poll.records)
            self._announce(poll.end - 1)
        return True

    def finish(self, record: Record) -> None:
        """A record's outcome is durable."""
        self._bytes -= len(record.value or b"")
        self._in_hand -= 1
        self.ledger.finish(record.offset)
        if self._named:
            self._named.pop(record.offset, None)
        if self._ready and not self._asked:
            self._asked = True
            self._again()

    def drop(self) -> None:
        """Hand nothing on any more."""
        self._waiting.clear()
        self._ready.clear()

    def stalled_s(self, now_s: float) -> float:
        """For how long the commit position has stood still with events behind it.

        Args:
            now_s: the monotonic clock's time.
        """
        position, since_s = self._stood_at
        if position != self.ledger.position or not self.ledger.unfinished:
            self._stood_at = (self.ledger.position, now_s)
            return 0.0
        return now_s - since_s

    def oldest_s(self, now_s: float) -> float:
        """For how long the oldest unfinished event has been in our hands; 0 if there is none.

        Args:
            now_s: the monotonic clock's time.
        """
        arrived, position = self._arrived, self.ledger.position
        while arrived and arrived[0][0] < position:
            arrived.popleft()
        return now_s - arrived[0][1] if arrived else 0.0

    @property
    def unfinished_by_name(self) -> Counter[str]:
        """How many are unfinished, by who handles them, where that is counted."""
        return Counter(self._named.values())

    def released(self) -> dict[bytes, bytes | None]:
        """The state that says that nothing is in flight any more."""
        if self._intended == NOTHING:
            return {}
        return self._intent_write(NOTHING)

    # -- the intent ------------------------------------------------------------------------------

    def _announce(self, last: int) -> None:
        """Begin with the waiting polls as soon as the intent that covers them is durable."""
        self.admit()
        if last + AHEAD // 2 <= self._intended:
            return  # renewed early: a steady stream never waits for it
        high = self._intended = last + AHEAD

        def durable() -> None:
            self._announced = high
            self.admit()

        self._writer.add(Group(self._intent_write(high), durable=durable, awaited=True))

    def _intent_write(self, high: int) -> dict[bytes, bytes | None]:
        inherited = self.intent
        intent = Intent(
            process=inherited.process,
            high=high,
            careful=inherited.careful,
            presumed_above=inherited.presumed_above,
            suspect=inherited.suspect,
        )
        return {intent_key(self.subscription.topic): intent.encode()}

    def admit(self) -> None:
        """Hand on what is covered, while there is room.

        What could only wait stays as it was read: a task for each of tens of thousands of events
        costs more than their agents do. A few are handed on in any case: they stand in line with
        whatever else waits for the agent, so that nobody is passed over for ever.
        """
        while self._waiting and self._waiting[0].end - 1 <= self._announced:
            poll = self._waiting.popleft()
            self._observer.observe(
                Report(
                    outcome="received",
                    topic=poll.tp.topic,
                    partition=poll.tp.partition,
                    offset=poll.records[-1].offset,
                    events=len(poll.records),
                )
            )
            self._ready.extend(poll.records)
        self._asked = False
        ready, room, receive = self._ready, self._room, self._receive
        monotonic = self._clock.monotonic
        over_at = monotonic() + SLICE_S
        while ready and (self._in_hand < IN_LINE or (self._in_hand < self._most and room())):
            self._in_hand += 1
            receive(ready.popleft())
            if monotonic() > over_at:
                self._again()
                return
