"""The till: wallets in the state of the partitions that a worker owns."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from streamagents.errors import ModelBusyError
from streamagents.llm.limits.spend import Spend
from streamagents.llm.limits.wallet import Place, Wallet
from streamagents.runtime.till import WALLET_KEY, PartitionTill
from support.writing import WriterDesk

FIRST, SECOND, OTHER = (4, 0), (4, 1), (8, 0)


def opened(*places: Place) -> tuple[PartitionTill, dict[Place, WriterDesk]]:
    till, desks = PartitionTill(12), {place: WriterDesk() for place in places}
    for place, desk in desks.items():
        till.open(place, desk.store, desk.writer)
    return till, desks


def kept(desk: WriterDesk) -> Wallet:
    """What the next owner finds."""
    return Wallet.decode(desk.store.durable.get(WALLET_KEY))


async def test_a_wallet_that_is_kept_is_durable() -> None:
    till, desks = opened(FIRST, SECOND)
    for place, wallet in till.wallets(4).items():
        wallet.turn("2026-11-23")
        wallet.add(["*"], Spend(place[1], 10))
    await till.keep([FIRST, SECOND])

    assert kept(desks[FIRST]).spent == {"*": Spend(0, 10)}
    assert kept(desks[SECOND]).spent == {"*": Spend(1, 10)}


async def test_a_wallet_that_is_noted_is_written_soon() -> None:
    till, desks = opened(FIRST)
    till.wallets(4)[FIRST].add(["*"], Spend(0, 10))
    till.note([FIRST, OTHER])
    await desks[FIRST].writer.drained()

    assert kept(desks[FIRST]).spent == {"*": Spend(0, 10)}


async def test_the_next_owner_goes_on_with_what_is_kept() -> None:
    till, desks = opened(FIRST)
    till.wallets(4)[FIRST].add(["Lead"], Spend(0, 10))
    await till.keep([FIRST])
    after = PartitionTill(12)
    after.open(FIRST, desks[FIRST].store, desks[FIRST].writer)

    assert after.wallets(4)[FIRST].spent == {"Lead": Spend(0, 10)}


def test_wallets_are_pooled_within_a_table_and_shares_over_all() -> None:
    till, _ = opened(FIRST, SECOND, OTHER)

    assert set(till.wallets(4)) == {FIRST, SECOND}
    assert till.share == 3 / 12
    till.close(SECOND)
    assert (set(till.wallets(4)), till.share) == ({FIRST}, 2 / 12)


def test_whoever_wants_to_know_is_told_of_more() -> None:
    told: list[float] = []
    till, desk = PartitionTill(12), WriterDesk()
    till.on_more = lambda: told.append(till.share)
    till.open(FIRST, desk.store, desk.writer)

    assert told == [1 / 12]


async def test_a_partition_that_was_given_back_keeps_nothing() -> None:
    till, _ = opened(FIRST)
    with pytest.raises(ModelBusyError, match="given back"):
        await till.keep([FIRST, SECOND])


async def test_who_waits_for_a_partition_that_is_taken_away_is_told() -> None:
    """Its writer would never say a word again."""
    till, desks = opened(FIRST, SECOND)
    desks[SECOND].writer._producer = None  # it waits for a broker that never comes
    never: asyncio.Task[Any] = asyncio.create_task(asyncio.Event().wait())
    desks[SECOND].writer._flushing = never
    keeping = asyncio.create_task(till.keep([FIRST, SECOND]))
    await asyncio.sleep(0)
    till.close(SECOND)
    with pytest.raises(ModelBusyError):
        await asyncio.wait_for(keeping, 5)

    never.cancel()
