"""One attempt: how an agent is called, and how it may fail."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.agents import Context
from streamagents.errors import Reject
from streamagents.testing.clock import FakeClock
from support import wait_until_async
from support.bench import Bench
from support.records import Order, Receipt, Scripted, record, turns

if TYPE_CHECKING:
    from streamagents.ports import Outgoing
    from streamagents.testing.bus import MemoryRecord

DATA = b'{"customer":"ada","amount":3}'


class Plain:
    """Takes the event and nothing else."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    async def run(self, event: Order) -> None:
        self.seen.append(event)


class Raw(Plain):
    async def run(self, event: dict[str, Any]) -> None:  # type: ignore[override] # on purpose
        self.seen.append(event)


class Unannotated(Plain):
    async def run(self, event) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - on purpose
        self.seen.append(event)


class WithContext(Plain):
    async def run(self, event: Order, ctx: Context) -> None:  # type: ignore[override] # on purpose
        self.seen += [event, ctx]


class InThread(Plain):
    """Blocks until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def run(self, event: Order, ctx: Context) -> Receipt:  # type: ignore[override] # on purpose
        self.seen.append(threading.current_thread())
        assert self.go.wait(10)
        ctx.emit(Receipt(text="emitted"))
        return Receipt(text="returned")


async def run(
    agent: Any, source: MemoryRecord | None = None, attempt: int = 1, **policy: Any
) -> list[Outgoing]:
    return await Bench(agent, **policy).run(source or record(DATA), attempt)


async def test_an_agent_may_take_its_event_alone() -> None:
    agent = Plain()

    assert await run(agent) == []
    assert agent.seen == [Order(customer="ada", amount=3)]


@pytest.mark.parametrize("agent", [Raw(), Unannotated()], ids=["dict", "unannotated"])
async def test_an_agent_may_take_raw_data(agent: Plain) -> None:
    await run(agent, record(b'{"customer":"ada","extra":[1]}'))

    assert agent.seen == [{"customer": "ada", "extra": [1]}]


async def test_an_agent_may_take_a_context_that_knows_the_event() -> None:
    agent = WithContext()
    headers = (("ce_id", b"c-1"), ("ce_source", b"shop"), ("a", b"1"), ("a", b"\xff"))
    source = record(DATA, key=b"k", headers=headers, timestamp=1000)
    await run(agent, source, 2)
    ctx = agent.seen[1]

    assert isinstance(ctx, Context)
    assert (ctx.event.id, ctx.event.source, ctx.event.type) == ("c-1", "shop", "order")
    assert (ctx.event.topic, ctx.event.key, ctx.event.attempt) == ("order", "ada", 2)
    assert ctx.event.time == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert ctx.event.headers["a"] == b"\xff"
    assert ctx.now() == FakeClock().now()


async def test_a_key_that_is_no_text_is_shown_as_well_as_it_can_be() -> None:
    agent = WithContext()
    await run(agent, record(b"{}", key=b"\xff"))

    assert agent.seen[1].event.key == "\ufffd"


async def test_a_plain_method_runs_in_a_thread_and_may_emit() -> None:
    agent = InThread()
    task = asyncio.get_running_loop().create_task(run(agent))
    await turns()
    agent.go.set()
    records = await task

    assert agent.seen[0] is not threading.main_thread()
    assert [out.value and b"emitted" in out.value for out in records] == [True, False]


async def test_the_loop_goes_on_while_a_plain_method_blocks() -> None:
    agents = [InThread() for _ in range(10)]
    tasks = [asyncio.get_running_loop().create_task(run(agent)) for agent in agents]
    await wait_until_async(lambda: all(agent.seen for agent in agents))
    for agent in agents:
        agent.go.set()

    assert [len(records) for records in await asyncio.gather(*tasks)] == [2] * 10


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        Reject("never"),
        TimeoutError("of its own"),
        SystemExit(1),
        KeyboardInterrupt(),
        asyncio.CancelledError("of its own"),
        GeneratorExit(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_an_agent_raises_is_raised(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        await run(Scripted(error))

    assert caught.value is error


async def test_an_agent_whose_time_is_up_is_told_by_name_and_limit() -> None:
    async def dawdle(order: Order, ctx: Context) -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError, match=r"^Scripted.run took longer than timeout_s=0.01$"):
        await run(Scripted(dawdle), timeout_s=0.01)


async def test_an_agent_whose_time_is_up_may_still_clean_up() -> None:
    cleaned = False

    async def tidy(order: Order, ctx: Context) -> None:
        nonlocal cleaned
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned = True

    with pytest.raises(TimeoutError):
        await run(Scripted(tidy), timeout_s=0.01)
    assert cleaned


async def test_an_agent_that_finishes_in_spite_of_its_time_has_finished() -> None:
    async def stubborn(order: Order, ctx: Context) -> Receipt:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return Receipt(text="done all the same")
        raise AssertionError

    assert len(await run(Scripted(stubborn), timeout_s=0.01)) == 1


async def test_a_thread_whose_time_is_up_is_waited_for_and_counts() -> None:
    """A thread cannot be cancelled, the next attempt must not run beside it, and done is done."""
    agent = InThread()
    task = asyncio.get_running_loop().create_task(run(agent, timeout_s=0.01))
    done, _ = await asyncio.wait([task], timeout=0.1)
    assert done == set()
    agent.go.set()

    assert len(await task) == 2


async def test_what_an_attempt_emitted_before_it_failed_is_lost_with_it() -> None:
    async def emit_and_fail(order: Order, ctx: Context) -> None:
        ctx.emit(Receipt(text="too early"))
        raise ValueError("no")

    agent = Scripted(emit_and_fail, Receipt(text="second attempt"))
    with pytest.raises(ValueError, match="no"):
        await run(agent)
    records = await run(agent, attempt=2)

    assert [out.value is not None and b"second" in out.value for out in records] == [True]


async def test_a_cancelled_attempt_is_cancelled() -> None:
    async def wait(order: Order, ctx: Context) -> None:
        await asyncio.Event().wait()

    task = asyncio.get_running_loop().create_task(run(Scripted(wait)))
    await turns()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
