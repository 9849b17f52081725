"""Replays: letters that come again, run once, and are answered with their outcome."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from streamagents.pipeline.outcome import DeadLetter, Skip
from streamagents.pipeline.replay import LetterState
from streamagents.runtime.lane import lane_of
from streamagents.runtime.reception import Source
from streamagents.topics import LETTERS
from support.bench import Bench
from support.records import Order, Scripted, record

if TYPE_CHECKING:
    from streamagents.agents import Context
    from streamagents.testing.bus import MemoryRecord

DATA = b'{"customer":"ada"}'
ID = ("ce_id", b"c-1")
FIRST = record(DATA, headers=(ID,), offset=7)


def replayed(count: int = 1, *more: tuple[str, bytes], value: bytes = DATA) -> MemoryRecord:
    headers = (
        ID,
        ("streamagents-replay-count", b"%d" % count),
        ("streamagents-letter", b"order.dlq:0:%d" % count),
        *more,
    )
    return record(value, headers=headers, offset=20 + count)


def said(bench: Bench) -> list[tuple[bytes | None, str]]:
    """What was said of letters, in order."""
    states = [
        (out.key, LetterState.decode(out.value)) for out in bench.records if out.topic == LETTERS
    ]
    return [(key, state.stage.value) for key, state in states if state is not None]


async def test_a_replay_that_succeeds_closes_its_letter_with_its_mark() -> None:
    bench = Bench(Scripted(ValueError("no"), None), attempts=1)
    await bench.handle(FIRST)
    await bench.handle(replayed())

    assert said(bench) == [(b"order.dlq:0:1", "done")]
    assert [len(group.records) for group in bench.writer.committed] == [1, 1]
    assert bench.writer.committed[-1].writes  # the mark is in the same group


async def test_a_replay_that_fails_again_replaces_its_letter() -> None:
    bench = Bench(Scripted(ValueError("no")), attempts=1)
    await bench.handle(FIRST)
    await bench.handle(replayed(1))
    await bench.handle(replayed(2))

    assert said(bench) == [(b"order.dlq:0:1", "replaced"), (b"order.dlq:0:2", "replaced")]
    counts = [dict(letter.headers)["streamagents-replay-count"] for letter in bench.letters]
    assert counts == [b"0", b"1", b"2"]


async def test_the_second_of_two_replays_closes_the_letter_too() -> None:
    bench = Bench(Scripted(ValueError("no"), None), attempts=1)
    await bench.handle(FIRST)
    await bench.handle(replayed())
    await bench.handle(replayed())

    assert said(bench) == [(b"order.dlq:0:1", "done")] * 2
    assert bench.reports.outcomes[-2:] == ["ok", "duplicate"]


async def test_an_event_that_is_no_replay_says_nothing_of_letters() -> None:
    bench = Bench(Scripted(None))
    await bench.handle(FIRST)
    await bench.handle(FIRST)

    assert said(bench) == []


async def test_what_can_still_not_be_read_replaces_its_letter_once() -> None:
    bench = Bench()
    headers = (*replayed().headers, ("streamagents-origin", b"order:0:7"))
    source = record(b"{", headers=headers, offset=21)
    why = DeadLetter("undecodable", "no JSON")
    for again in (record(b"{", offset=7), source, source):
        bench.settling.dead_letter_unread(again, bench.subscription, why)
        bench.writer.commit()

    assert said(bench) == [(b"order.dlq:0:1", "replaced")] * 2
    assert len(bench.letters) == 2


async def test_a_tombstone_that_is_skipped_by_now_closes_its_letter() -> None:
    bench = Bench()
    for reason in ("tombstone", "other_group"):
        source = Source(bench.subscription, lambda _, why=reason: Skip(why), "Scripted")  # type: ignore[misc] # bound now
        bench.reception(source).receive(replayed())
        bench.writer.commit()

    assert said(bench) == [(b"order.dlq:0:1", "done")]


def test_two_replays_of_an_event_without_a_key_share_a_lane() -> None:
    bench = Bench()
    origin = ("streamagents-origin", b"order:0:7")
    lanes = {
        lane_of(bench.incoming(record(b"{}", headers=(origin,), offset=offset)))
        for offset in (20, 21)
    }

    assert len(lanes) == 1


class Paying:
    """Pays in a step, and fails until it is told otherwise."""

    def __init__(self) -> None:
        self.paid = 0
        self.fails = True

    async def run(self, order: Order, ctx: Context) -> None:
        """Pay, then fail."""
        await ctx.step("pay", self.pay)
        if self.fails:
            raise ValueError("not yet")

    def pay(self) -> int:
        """Costs money."""
        self.paid += 1
        return self.paid


async def handled(bench: Bench, source: Any) -> None:
    """Handle a record whose agent waits for its steps to become durable."""
    task = bench.start(source)
    while not task.done():
        bench.writer.commit()
        await asyncio.sleep(0)
    bench.writer.commit()


async def test_a_fresh_replay_pays_again_and_only_once() -> None:
    agent = Paying()
    bench = Bench(agent, attempts=2)
    fresh = ("streamagents-fresh", b"1")
    await handled(bench, FIRST)
    paid = [agent.paid]
    await handled(bench, replayed(1))
    paid.append(agent.paid)
    await handled(bench, replayed(2, fresh))  # two attempts, the second has what the first paid for
    paid.append(agent.paid)
    agent.fails = False
    await handled(bench, replayed(3))
    paid.append(agent.paid)

    assert paid == [1, 1, 2, 2]
