"""`ctx.state` of an event: read by the next, written with the mark, gone with a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from streamagents.errors import ConfigurationError, RetryLater
from streamagents.events.envelope import header
from streamagents.pipeline.mark import Mark
from streamagents.pipeline.places import MARKS, value_key, values_of
from streamagents.pipeline.stored import decode_value
from support.bench import Bench
from support.desks import OwnedBench
from support.records import Order, Receipt, Scripted, ada, bob, record, registration, turns
from support.stores import FakeStore

if TYPE_CHECKING:
    from streamagents.agents import Context

SOURCE = record(b'{"customer":"ada"}', headers=(("ce_id", b"c-1"),))


class Counter:
    """Counts the orders of a customer; `errors` are raised behind the change, call by call."""

    def __init__(self, *errors: BaseException | None) -> None:
        self.errors = list(errors)
        self.seen: list[int] = []

    async def run(self, order: Order, ctx: Context) -> None:
        count = ctx.state.get("count", 0)
        self.seen.append(count)
        ctx.state.set("count", count + 1)
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error


def values(bench: Bench | OwnedBench, customer: bytes = b"ada", agent: str = "Counter") -> Any:
    """What is durable of a customer's state."""
    prefix = values_of(agent, customer)
    rows = dict(bench.store.scan(prefix))
    return {key[len(prefix) :].decode(): decode_value(raw) for key, raw in rows.items()}


async def test_a_change_leaves_with_the_mark() -> None:
    bench = Bench(Counter())
    await bench.handle(SOURCE)
    (group,) = bench.writer.committed

    assert set(group.writes) == {
        bench.incoming(SOURCE).seen_key,
        value_key("Counter", b"ada", "count"),
    }
    assert values(bench) == {"count": b"1"}


async def test_the_next_event_of_the_key_reads_what_the_one_before_wrote() -> None:
    agent = Counter()
    bench = OwnedBench(registration(agent)).begin()
    bench.writer.holds = True
    await bench.deliver(*ada(1))
    bench.writer.commit()
    await bench.deliver(*ada(2, 3), *bob(4))  # nothing of it is durable yet

    assert agent.seen == [0, 1, 2, 0]
    bench.writer.commit()
    assert (values(bench), values(bench, b"bob")) == ({"count": b"3"}, {"count": b"1"})


async def test_a_failed_attempt_changes_nothing() -> None:
    agent = Counter(ValueError("no"), ValueError("no"))
    bench = Bench(agent)
    await bench.handle(SOURCE)

    assert agent.seen == [0, 0, 0]
    assert values(bench) == {"count": b"1"}


@pytest.mark.parametrize("error", [ValueError("no"), RetryLater(60)])
async def test_a_letter_and_a_parked_event_leave_no_change(error: BaseException) -> None:
    bench = Bench(Counter(error), attempts=1)
    await bench.handle(SOURCE)

    assert values(bench) == {}
    assert bench.store.under(values_of("Counter", b"ada")) == {}


async def test_a_value_that_is_deleted_is_gone_with_the_mark() -> None:
    async def set_or_forget(order: Order, ctx: Context) -> None:
        if order.amount == 1:
            ctx.state.set("count", 1)
        else:
            ctx.state.delete("count")
            assert ctx.state.get("count", "nothing") == "nothing"

    bench = OwnedBench(registration(Scripted(set_or_forget))).begin()
    await bench.deliver(*ada(1))
    assert values(bench, agent="Scripted") == {"count": b"1"}
    await bench.deliver(*ada(2))

    assert values(bench, agent="Scripted") == {}


async def test_an_attempt_reads_its_own_changes() -> None:
    seen: list[Any] = []

    async def work(order: Order, ctx: Context) -> None:
        for value in (1, "two", None, [3]):
            ctx.state.set("a", value)
            seen.append(ctx.state.get("a", "nothing"))
        ctx.state.delete("a")
        seen.append(ctx.state.get("a", "nothing"))
        ctx.state.set("b", {"k": 1})

    bench = Bench(Scripted(work))
    await bench.handle(SOURCE)

    assert seen == [1, "two", None, [3], "nothing"]
    assert values(bench, agent="Scripted") == {"b": b'{"k":1}'}


async def test_agents_and_keys_have_states_of_their_own() -> None:
    class Other(Counter):
        """Counts apart."""

    one = Bench(Counter())
    for customer in (b"ada", b"bob"):
        await one.handle(record(b'{"customer":"%b"}' % customer))
    two = Bench(Other(), store=one.store)
    await two.handle(record(b'{"customer":"ada"}', offset=9))

    assert values(one) == values(one, b"bob") == values(two, agent="Other") == {"count": b"1"}


async def test_without_a_key_there_is_no_state_and_that_is_said() -> None:
    bench = Bench(Counter(), attempts=1)
    await bench.handle(record(b"{}"))
    message = header(bench.letters[0].headers, "__streams.errors.message") or b""

    assert b"this event has none" in message
    assert b"key='customer'" in message


async def test_a_value_that_no_longer_validates_makes_a_letter_of_that_code() -> None:
    async def read(order: Order, ctx: Context) -> None:
        ctx.state.get("count", type=dict)

    first = Bench(Scripted(lambda order, ctx: _set(ctx)))
    await first.handle(SOURCE)
    second = Bench(Scripted(read), store=first.store, attempts=1)
    await second.handle(record(b'{"customer":"ada"}', offset=8))

    assert header(second.letters[0].headers, "streamagents-error-code") == b"state_invalid"


async def _set(ctx: Context) -> None:
    ctx.state.set("count", 1)


async def test_a_value_that_is_too_large_makes_a_letter_of_that_code() -> None:
    async def large(order: Order, ctx: Context) -> None:
        ctx.state.set("text", "x" * (1 << 20))

    bench = Bench(Scripted(large), attempts=1)
    await bench.handle(SOURCE)

    assert header(bench.letters[0].headers, "streamagents-error-code") == b"too_large"


async def test_a_refused_group_changes_nothing() -> None:
    async def both(order: Order, ctx: Context) -> Receipt:
        ctx.state.set("count", 1)
        return Receipt()

    bench = Bench(Scripted(both))
    bench.writer.unwritable = MessageSizeTooLargeError("too much")
    await bench.start(SOURCE)
    await turns()

    assert len(bench.letters) == 1
    assert values(bench, agent="Scripted") == {}


async def test_nobody_builds_on_a_change_that_was_refused() -> None:
    """The partition is given up behind the letter, and the next event of the key is done again."""
    seen: list[int] = []

    async def count(order: Order, ctx: Context) -> Receipt | None:
        seen.append(ctx.state.get("count", 0))
        ctx.state.set("count", seen[-1] + 1)
        return Receipt() if order.amount == 1 else None

    bench = OwnedBench(registration(Scripted(count))).begin()
    await bench.deliver(*bob(9))
    error = bench.writer.unwritable = MessageSizeTooLargeError("too much")
    await bench.deliver(*ada(1, 2))
    assert [out.topic for out in bench.records] == ["order.dlq"]
    assert (bench.lost, bench.partition.positions()) == ([error], {"order": 2})
    await bench.partition.close()
    again = OwnedBench(registration(Scripted(count)), store=FakeStore(bench.durable))
    again._next = {"order": 2}
    again.begin()
    await again.deliver(*ada(2))

    assert seen == [0, 0, 1, 0]  # bob's, the letter's, what built on it, and that again
    assert values(again, agent="Scripted") == {"count": b"1"}


async def test_a_run_that_has_ended_can_change_nothing_any_more() -> None:
    kept: list[Context] = []

    async def keep(order: Order, ctx: Context) -> None:
        assert ctx.state.get("count") is None
        kept.append(ctx)

    bench = Bench(Scripted(keep))
    await bench.handle(SOURCE)
    (ctx,) = kept
    for use in (
        lambda: ctx.state.set("count", 1),
        lambda: ctx.state.delete("count"),
        lambda: ctx.emit(Receipt()),
    ):
        with pytest.raises(ConfigurationError, match=r"after run\(\) had ended"):
            use()

    assert values(bench, agent="Scripted") == {}


async def test_the_next_owner_reads_what_the_last_one_wrote() -> None:
    first = OwnedBench(registration(Counter())).begin()
    await first.deliver(*ada(1, 2))
    await first.release()
    agent = Counter()
    store = FakeStore(first.durable)
    second = OwnedBench(registration(agent), process="p2", store=store).begin(after=first)
    await second.deliver(*ada(3))

    assert agent.seen == [2]
    assert len([Mark.decode(raw) for raw in dict(second.store.scan(MARKS)).values()]) == 3
