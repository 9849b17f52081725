"""From a record to its acknowledgement: once, also when it is asked twice."""

from __future__ import annotations

import asyncio

import pytest

from streamagents.errors import BrokerUnavailableError
from streamagents.ports import Outgoing, Position
from streamagents.triggers.gateway.keeper import Keeper, NotKeptError

RECORD = Outgoing(topic="t", key=b"k", value=b"{}")
ONE, TWO = ("t", b"k", "s", "1", b""), ("t", b"k", "s", "2", b"")
KEPT = Position("t", 0, 0)


class Slow:
    """A bus whose acknowledgements come when the test says so."""

    def __init__(self) -> None:
        self.sent: list[asyncio.Future[Position]] = []

    async def send(self, record: Outgoing) -> Position:
        self.sent.append(asyncio.get_running_loop().create_future())
        return await self.sent[-1]


async def give_up(keeper: Keeper) -> None:
    with pytest.raises(NotKeptError, match="did not acknowledge it"):
        await keeper.keep(RECORD, ONE)


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_retry_joins_what_is_under_way() -> None:
    bus = Slow()
    keeper = Keeper(bus, wait_s=0.01, most=10)
    await give_up(keeper)
    await give_up(keeper)
    retry = asyncio.create_task(keeper.keep(RECORD, ONE))
    await turns()

    bus.sent[0].set_result(KEPT)
    await retry

    assert (len(bus.sent), keeper.pending) == (1, 0)


async def test_a_retry_finds_what_was_acknowledged_meanwhile() -> None:
    bus = Slow()
    keeper = Keeper(bus, wait_s=0.01, most=10)
    await give_up(keeper)
    bus.sent[0].set_result(KEPT)
    await turns()

    await keeper.keep(RECORD, ONE)
    await keeper.keep(RECORD, ONE)

    assert len(bus.sent) == 1


async def test_what_was_answered_in_time_is_written_again_if_somebody_asks() -> None:
    """It is a duplicate then, which the worker counts; the gateway remembers no more than it must."""  # noqa: E501 - one sentence
    bus = Slow()
    keeper = Keeper(bus, wait_s=5, most=10)
    for number in range(2):
        asked = asyncio.create_task(keeper.keep(RECORD, ONE))
        await turns()
        bus.sent[number].set_result(KEPT)
        await asked

    assert len(bus.sent) == 2


async def test_who_may_come_again_is_expected_from_the_acknowledgement_on() -> None:
    bus = Slow()
    keeper = Keeper(bus, wait_s=5, most=10)
    asked = asyncio.create_task(keeper.keep(RECORD, ONE, comes_again=True))
    await turns()
    bus.sent[0].set_result(KEPT)
    for _ in range(2):
        await asyncio.sleep(0)
    assert (keeper.pending, asked.done()) == (0, False)

    await keeper.keep(RECORD, ONE, comes_again=True)
    await asked

    assert len(bus.sent) == 1


async def test_what_failed_is_sent_again() -> None:
    bus = Slow()
    keeper = Keeper(bus, wait_s=0.01, most=10)
    await give_up(keeper)
    bus.sent[0].set_exception(BrokerUnavailableError("away"))
    await turns()
    again = asyncio.create_task(keeper.keep(RECORD, ONE))
    await turns()
    bus.sent[1].set_result(KEPT)

    await again


async def test_a_failure_reaches_all_who_wait() -> None:
    bus = Slow()
    keeper = Keeper(bus, wait_s=5, most=10)
    asked = [asyncio.create_task(keeper.keep(RECORD, ONE)) for _ in range(2)]
    await turns()
    bus.sent[0].set_exception(BrokerUnavailableError("away"))

    outcomes = await asyncio.gather(*asked, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [BrokerUnavailableError] * 2


async def test_what_is_under_way_has_a_bound_and_a_retry_needs_no_room() -> None:
    bus = Slow()
    keeper = Keeper(bus, wait_s=0.01, most=1)
    await give_up(keeper)

    with pytest.raises(NotKeptError, match="Too many"):
        await keeper.keep(RECORD, TWO)
    await give_up(keeper)

    assert (len(bus.sent), keeper.pending) == (1, 1)
    await keeper.close()
    assert keeper.pending == 0
