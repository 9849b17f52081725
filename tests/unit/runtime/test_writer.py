"""The writer: groups leave in order, together, once; what can never leave holds up nobody."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    ProducerFenced,
)
from structlog.testing import capture_logs

from streamagents.ports import Outgoing
from streamagents.runtime.group import Group
from streamagents.runtime.internals import RawName
from streamagents.runtime.writer import MAX_BYTES, MAX_WRITES
from support import wait_until_async
from support.records import turns
from support.writing import LOG, WriterDesk


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamagents.runtime.writer._RETRY_S", (0.0, 0.0))


async def test_a_group_is_durable_when_its_transaction_is_committed() -> None:
    desk = WriterDesk()
    desk.add("a")
    assert (desk.done, desk.store.get(b"mark a")) == ([], b"done")
    await desk.writer.drained()

    assert desk.broker.committed == [("out", 1, b"a", b"v"), (*LOG, b"mark a", b"done")]
    assert (desk.done, desk.store.durable) == (["a"], {b"mark a": b"done"})


async def test_groups_that_wait_share_a_transaction_and_keep_their_order() -> None:
    desk = WriterDesk()
    for number in range(50):
        desk.add(str(number))
    await desk.writer.drained()

    assert desk.written == [b"%d" % number for number in range(50)]
    assert (desk.broker.transactions, len(desk.done)) == (1, 50)


async def test_a_transaction_is_bounded() -> None:
    desk = WriterDesk()
    for number in range(MAX_WRITES // 2 + 1):  # each writes a record and a mark
        desk.add(str(number))
    await desk.writer.drained()

    assert desk.broker.transactions == 2


async def test_the_store_is_told_the_offset_of_the_last_state_record() -> None:
    desk = WriterDesk()
    desk.add("a")
    desk.add("b")
    desk.writer.add(Group(durable=lambda: desk.done.append("nothing to write")))
    await desk.writer.drained()

    assert desk.store.offsets == [3]  # two records of `out` first, then two of the changelog


@pytest.mark.parametrize("step", ["begin", "send", "commit"])
async def test_a_passing_error_is_tried_again_and_writes_once(step: str) -> None:
    desk = WriterDesk()
    desk.broker.faults.extend([(step, KafkaConnectionError("away"))] * 3)
    desk.add("a")
    desk.add("b")
    await desk.writer.drained()

    assert (desk.written, desk.done, desk.lost) == ([b"a", b"b"], ["a", "b"], [])


@pytest.mark.parametrize("step", ["begin", "send", "commit"])
async def test_a_fenced_writer_writes_nothing_more(step: str) -> None:
    desk, error = WriterDesk(), ProducerFenced("another owner")
    desk.broker.faults.append((step, error))
    desk.add("a")
    await turns()
    desk.add("b")
    await turns()

    assert (desk.lost, desk.done, desk.broker.committed) == ([error], [], [])


async def test_an_abort_that_fails_leaves_the_epoch_in_doubt() -> None:
    desk, error = WriterDesk(), KafkaError("abort")
    desk.broker.faults.extend([("commit", KafkaConnectionError("away")), ("abort", error)])
    desk.add("a")
    await turns()

    assert (desk.lost, desk.done) == ([error], [])


async def test_a_group_that_can_never_be_written_is_refused_and_the_others_go_on() -> None:
    desk = WriterDesk()
    desk.add("a")
    desk.add("b", b"huge", refusable=True)
    desk.add("c")
    await desk.writer.drained()

    assert (desk.written, desk.done, desk.lost) == ([b"a", b"c"], ["a", "not b", "c"], [])
    assert desk.store.get(b"mark b") is None


async def test_a_group_that_must_be_written_and_cannot_is_told_and_tried_again() -> None:
    desk = WriterDesk()
    with capture_logs() as logs:
        desk.add("a", b"huge")
        await turns(50)

    assert (desk.lost, desk.done) == ([], [])
    assert {entry["event"] for entry in logs} == {"cannot_write"}
    assert logs[0]["topics"] == sorted([LOG[0], "out"])
    await desk.writer.close()


async def test_a_record_larger_than_a_batch_gets_one_of_its_own() -> None:
    desk = WriterDesk()
    for name in "abc":
        desk.add(name, b"x" * 700_000)
    await desk.writer.drained()

    assert (desk.written, desk.broker.transactions) == ([b"a", b"b", b"c"], 1)


async def test_header_names_that_are_no_utf8_are_written_in_their_place() -> None:
    desk = WriterDesk()
    odd = RawName(b"\xff".decode("utf-8", "surrogateescape"))
    for name, headers in (("a", ()), ("b", ((odd, b"1"),)), ("c", ())):
        out = Outgoing(topic="out", partition=1, key=name.encode(), value=b"", headers=headers)
        desk.writer.add(Group(records=(out,)))
    await desk.writer.drained()

    assert desk.written == [b"a", b"b", b"c"]


async def test_writing_state_waits_until_it_is_durable() -> None:
    desk = WriterDesk()
    await desk.writer.write({b"k": b"1", b"gone": None})

    assert desk.store.durable == {b"k": b"1"}
    assert desk.broker.committed == [(*LOG, b"k", b"1"), (*LOG, b"gone", None)]


async def test_a_closed_writer_takes_nothing_and_ends_whoever_waits() -> None:
    desk = WriterDesk()
    await desk.writer.close()
    desk.add("a")

    assert desk.store.get(b"mark a") is None
    with pytest.raises(asyncio.CancelledError):
        await desk.writer.write({b"k": b"1"})


async def test_a_transaction_that_is_committed_behind_a_dropped_store_does_not_touch_it() -> None:
    desk = WriterDesk()
    desk.add("a")
    commit, go = desk.broker.commit_transaction, asyncio.Event()

    async def slowly() -> None:
        await go.wait()
        await commit()

    desk.broker.commit_transaction = slowly  # type: ignore[method-assign]
    await turns()
    desk.writer.drop()
    desk.store.close()
    go.set()
    await turns(50)

    assert (desk.written, desk.done, desk.lost) == ([b"a"], [], [])
    assert desk.store.durable == {}


async def test_a_group_grows_until_it_leaves_or_another_stands_behind_it() -> None:
    desk = WriterDesk()
    group = Group({b"a": b"1"}, durable=lambda: desk.done.append("group"))
    assert not desk.writer.grow(group, b"b", b"2")
    desk.writer.add(group)
    assert desk.writer.grow(group, b"b", b"2")
    desk.add("behind")
    assert not desk.writer.grow(group, b"c", b"3")
    await desk.writer.drained()
    assert not desk.writer.grow(group, b"c", b"3")

    state = [key for topic, _, key, _ in desk.broker.committed if topic == LOG[0]]
    assert (state, desk.done) == ([b"a", b"b", b"mark behind"], ["group", "behind"])


async def test_a_group_grows_to_the_size_of_a_transaction() -> None:
    desk = WriterDesk()
    group = Group({b"first": b""})
    desk.writer.add(group)
    grown = [desk.writer.grow(group, b"%d" % number, b"") for number in range(2 * MAX_WRITES)]

    assert (sum(grown), grown[MAX_WRITES - 1]) == (MAX_WRITES - 1, False)
    await desk.writer.drained()


async def test_what_nobody_waits_for_leaves_together_and_by_itself() -> None:
    desk = WriterDesk()
    for number in range(5):
        desk.writer.add(Group({b"%d" % number: b""}))
        await asyncio.sleep(0)
    await wait_until_async(lambda: desk.broker.transactions > 0)

    assert (desk.broker.transactions, len(desk.broker.committed)) == (1, 5)


async def test_what_somebody_waits_for_takes_along_whatever_is_queued() -> None:
    desk = WriterDesk()
    desk.writer.add(Group({b"first": b""}))
    await asyncio.wait_for(desk.writer.write({b"awaited": b""}), 5)

    assert (desk.broker.transactions, len(desk.broker.committed)) == (1, 2)


async def test_a_group_grows_to_the_bytes_of_a_transaction() -> None:
    desk = WriterDesk()
    group = Group({b"first": bytes(MAX_BYTES // 2)})
    desk.writer.add(group)

    assert desk.writer.grow(group, b"second", bytes(MAX_BYTES // 2))
    assert not desk.writer.grow(group, b"third", b"1")
    desk.writer.drop()
