"""Replaying: letters on their way home, in batches that are committed with what is said of them.

A letter and the word that it was sent again are one transaction: however a replay ends, Ctrl-C and
`kill -9` included, the next one goes on where this one got to.
"""

from __future__ import annotations

from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamagents.errors import EventTooLargeError
from streamagents.events.wire import rfc3339
from streamagents.pipeline.replay import Stage
from streamagents.review.plan import Park, Refuse, Send
from streamagents.review.sending import generation, replayed, stage_of
from streamagents.review.states import word

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from streamagents.ports import Clock, Outgoing, Together
    from streamagents.review.letter import Letter
    from streamagents.review.plan import Verdict

_BATCH = 500
_BATCH_BYTES = 4 << 20
_BATCHES_A_SECOND = 5
"""At a rate: what is sent is spread over the second."""


@dataclass(slots=True)
class Result:
    """What a replay has done so far."""

    sent: int = 0
    parked: int = 0
    left: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Why not, and how often."""

    @property
    def seen(self) -> int:
        """Letters that it is through with."""
        return self.sent + self.parked + self.left + self.refused.total()


@dataclass(slots=True)
class _Batch:
    letters: list[tuple[Outgoing, ...]] = field(default_factory=list)
    """Of each what is written: its event and its word, or its word alone."""
    size: int = 0

    def add(self, *records: Outgoing) -> None:
        self.letters.append(records)
        self.size += sum(len(record.value or b"") + len(record.key or b"") for record in records)


class Replayer:
    """Sends letters again.

    Args:
        writer: takes the batches.
        states_topic: where is said what becomes of letters.
        by: who does it.
        clock: the time, and the rate's pace.
        rate: letters a second at most; None: as fast as the broker takes them.
        progress: told of the result after each batch.
    """

    def __init__(
        self,
        writer: Together,
        *,
        states_topic: str,
        by: str,
        clock: Clock,
        rate: float | None = None,
        progress: Callable[[Result], None] = lambda _: None,
    ) -> None:
        self._writer, self._states_topic, self._by = writer, states_topic, by
        self._clock, self._rate, self._progress = clock, rate, progress
        self._next_at = clock.monotonic()
        self._most = max(1, min(_BATCH, int(rate / _BATCHES_A_SECOND))) if rate else _BATCH
        self._batch = _Batch()
        self.result = Result()

    async def run(
        self,
        letters: AsyncGenerator[Letter, None],
        decide: Callable[[Letter], Verdict],
        *,
        fresh: bool = False,
    ) -> Result:
        """Send those that go. What was committed stands in `result`, also after an error.

        Raises:
            BrokerUnavailableError: the broker did not answer; the batch under way may have got
                through.
        """
        async with aclosing(letters):
            async for letter in letters:
                self._take(letter, decide(letter), fresh=fresh)
                if len(self._batch.letters) >= self._most or self._batch.size >= _BATCH_BYTES:
                    await self._flush()
        await self._flush()
        return self.result

    def _take(self, letter: Letter, verdict: Verdict, *, fresh: bool) -> None:
        if isinstance(verdict, Send):
            event = replayed(letter, verdict, fresh=fresh)
            self._batch.add(event, self._word(letter, stage_of(letter), generation(letter)))
        elif isinstance(verdict, Park):
            self._batch.add(self._word(letter, Stage.PARKED, letter.fault.replays))
        elif isinstance(verdict, Refuse):
            self.result.refused[verdict.reason] += 1
        else:
            self.result.left += 1

    def _word(self, letter: Letter, stage: Stage, replay: int) -> Outgoing:
        now = rfc3339(self._clock.now()).decode()
        return word(self._states_topic, letter.at, stage, replay=replay, by=self._by, now=now)

    async def _flush(self) -> None:
        batch, self._batch = self._batch, _Batch()
        if batch.letters:
            await self._pace(len(batch.letters))
            await self._send(batch.letters)
        self._progress(self.result)

    async def _send(self, letters: list[tuple[Outgoing, ...]]) -> None:
        try:
            await self._writer.send_together([record for records in letters for record in records])
        except EventTooLargeError as exc:
            if len(letters) == 1:
                self.result.refused[str(exc).rstrip(".")] += 1
                return
            for alone in letters:  # one of them is to blame, the others go
                await self._send([alone])
            return
        for records in letters:
            if len(records) == 1:
                self.result.parked += 1
            else:
                self.result.sent += 1

    async def _pace(self, letters: int) -> None:
        if not self._rate:
            return
        now = self._clock.monotonic()
        if self._next_at > now:
            await self._clock.sleep(self._next_at - now)
        self._next_at = max(self._next_at, now) + letters / self._rate
