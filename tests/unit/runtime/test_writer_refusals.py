"""The writer, where a group can never be written: who is told, and what becomes of the others."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from streamagents.ports import Outgoing
from streamagents.runtime.group import Group
from support.records import turns
from support.writing import WriterDesk


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamagents.runtime.writer._RETRY_S", (0.0, 0.0))


async def test_state_that_can_never_be_written_fails_whoever_waits_and_the_others_go_on() -> None:
    desk = WriterDesk()
    waiting = asyncio.ensure_future(desk.writer.write({b"k": b"huge"}))
    desk.add("a")
    await desk.writer.drained()

    with pytest.raises(MessageSizeTooLargeError):
        await waiting
    assert (desk.done, desk.lost, desk.store.get(b"k")) == (["a"], [], None)


async def test_of_many_groups_the_refused_one_alone_is_left_out_and_the_order_stays() -> None:
    desk = WriterDesk()
    for number in range(20):
        desk.add(f"{number}", b"huge" if number % 7 == 3 else b"v", refusable=True)
    await desk.writer.drained()

    names = [f"not {number}" if number % 7 == 3 else f"{number}" for number in range(20)]
    assert desk.done == names
    assert desk.written == [name.encode() for name in names if "not" not in name]
    assert desk.lost == []


async def test_what_takes_the_place_of_a_refused_group_comes_behind_the_others() -> None:
    desk = WriterDesk()
    desk.add("a", b"huge", instead="letter")
    desk.add("b")
    await desk.writer.drained()

    assert desk.written == [b"b", b"letter"]
    assert desk.done == ["not a", "b", "letter"]


@pytest.mark.parametrize("before", [0, 1, 3])
async def test_a_binding_group_that_is_refused_takes_those_behind_it_along(before: int) -> None:
    """They may have read what it would have changed: what takes its place ends the partition."""
    desk = WriterDesk()
    for number in range(before):
        desk.add(f"before {number}")
    desk.add("a", b"huge", binding=True, instead="letter")
    desk.add("behind")
    waiting = asyncio.ensure_future(desk.writer.write({b"k": b"behind"}))
    await turns(100)
    waiting.cancel()

    first = [b"before %d" % number for number in range(before)]
    assert desk.written == [*first, b"letter"]
    assert desk.done[-2:] == ["not a", "letter"]
    assert [type(error) for error in desk.lost] == [MessageSizeTooLargeError]
    assert (desk.store.get(b"mark a"), desk.store.get(b"mark letter")) == (None, b"done")
    assert set(desk.store.durable) == {b"mark " + key for key in (*first, b"letter")}


async def test_a_partition_that_was_given_up_so_takes_nothing_more() -> None:
    desk = WriterDesk()
    desk.add("a", b"huge", binding=True, instead="letter")
    await turns(100)
    desk.add("b")
    await turns()

    assert desk.written == [b"letter"]
    with pytest.raises(asyncio.CancelledError):
        await desk.writer.write({b"k": b"1"})


async def test_a_binding_group_that_can_be_written_is_like_any_other() -> None:
    desk = WriterDesk()
    desk.add("a", binding=True)
    desk.add("b", b"huge", refusable=True)
    desk.add("c", binding=True)
    await desk.writer.drained()

    assert (desk.done, desk.lost) == (["a", "not b", "c"], [])


def test_a_groups_size_is_what_it_writes() -> None:
    records = [Outgoing(topic="t", key=b"k", value=value) for value in (b"123", None)]

    assert Group().size == 0
    assert Group(writes={b"k": b"12345", b"gone": None}, records=records).size == 8
