"""The writer: groups leave in order, together, once; what can never leave holds up nobody."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerFenced,
)
from aiokafka.producer.message_accumulator import BatchBuilder
from structlog.testing import capture_logs

from streamagents.ports import Outgoing
from streamagents.runtime.group import Group
from streamagents.runtime.internals import RawName
from streamagents.runtime.internals.records import TolerantRecords
from streamagents.runtime.writer import MAX_GROUPS, Writer
from support.records import turns
from support.stores import FakeStore

LOG = ("shop-log", 0)


class Broker:
    """A transactional producer and the broker behind it: what is committed, in order."""

    def __init__(self) -> None:
        self.committed: list[tuple[str, int, bytes | None, bytes | None]] = []
        self.transactions = 0
        self.faults: deque[tuple[str, BaseException]] = deque()
        self._open: list[tuple[str, int, bytes | None, bytes | None]] = []
        self._txn_manager = SimpleNamespace(
            _transaction_waiter=None, _sequence_numbers=defaultdict[tuple[str, int], int](int)
        )

    def _maybe_fail(self, step: str) -> None:
        if self.faults and self.faults[0][0] == step:
            raise self.faults.popleft()[1]

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(512 << 10, 0, is_transactional=True)

    async def begin_transaction(self) -> None:
        self._maybe_fail("begin")
        self._open = []

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Any:
        self._maybe_fail("send")
        sent = asyncio.get_running_loop().create_future()
        found = list(TolerantRecords(bytes(batch._build())).next_batch() or ())
        if any(got.value == b"huge" for got in found):
            sent.set_exception(MessageSizeTooLargeError("refused"))
        else:
            at = len(self.committed) + len(self._open)
            self._open += [(topic, partition, got.key, got.value) for got in found]
            sent.set_result(type("Metadata", (), {"offset": at}))
        return sent

    async def commit_transaction(self) -> None:
        self._maybe_fail("commit")
        self.committed += self._open
        self.transactions += 1

    async def abort_transaction(self) -> None:
        self._maybe_fail("abort")
        self._open = []

    async def stop(self) -> None:
        """Nothing is held."""


class Desk:
    def __init__(self) -> None:
        self.broker, self.store = Broker(), FakeStore()
        self.lost: list[BaseException] = []
        self.done: list[str] = []
        self.writer = Writer(
            self.store,
            changelog=LOG[0],
            partition=LOG[1],
            transactional_id="shop-p4-0",
            settings={},
            lost=self.lost.append,
        )
        self.writer._producer = cast("Any", self.broker)

    def add(self, name: str, value: bytes = b"v", *, refusable: bool = False) -> None:
        out = Outgoing(topic="out", partition=1, key=name.encode(), value=value)
        self.writer.add(
            Group(
                writes={b"mark " + name.encode(): b"done"},
                records=(out,),
                durable=lambda: self.done.append(name),
                refused=(lambda _: self.done.append("not " + name)) if refusable else None,
            )
        )

    @property
    def written(self) -> list[bytes | None]:
        return [key for topic, _, key, _ in self.broker.committed if topic == "out"]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamagents.runtime.writer._RETRY_S", (0.0, 0.0))


async def test_a_group_is_durable_when_its_transaction_is_committed() -> None:
    desk = Desk()
    desk.add("a")
    assert (desk.done, desk.store.get(b"mark a")) == ([], b"done")
    await desk.writer.drained()

    assert desk.broker.committed == [("out", 1, b"a", b"v"), (*LOG, b"mark a", b"done")]
    assert (desk.done, desk.store.durable) == (["a"], {b"mark a": b"done"})


async def test_groups_that_wait_share_a_transaction_and_keep_their_order() -> None:
    desk = Desk()
    for number in range(50):
        desk.add(str(number))
    await desk.writer.drained()

    assert desk.written == [b"%d" % number for number in range(50)]
    assert (desk.broker.transactions, len(desk.done)) == (1, 50)


async def test_a_transaction_is_bounded() -> None:
    desk = Desk()
    for number in range(MAX_GROUPS + 1):
        desk.add(str(number))
    await desk.writer.drained()

    assert desk.broker.transactions == 2


async def test_the_store_is_told_the_offset_of_the_last_state_record() -> None:
    desk = Desk()
    desk.add("a")
    desk.add("b")
    desk.writer.add(Group(durable=lambda: desk.done.append("nothing to write")))
    await desk.writer.drained()

    assert desk.store.offsets == [3]  # two records of `out` first, then two of the changelog


@pytest.mark.parametrize("step", ["begin", "send", "commit"])
async def test_a_passing_error_is_tried_again_and_writes_once(step: str) -> None:
    desk = Desk()
    desk.broker.faults.extend([(step, KafkaConnectionError("away"))] * 3)
    desk.add("a")
    desk.add("b")
    await desk.writer.drained()

    assert (desk.written, desk.done, desk.lost) == ([b"a", b"b"], ["a", "b"], [])


@pytest.mark.parametrize("step", ["begin", "send", "commit"])
async def test_a_fenced_writer_writes_nothing_more(step: str) -> None:
    desk, error = Desk(), ProducerFenced("another owner")
    desk.broker.faults.append((step, error))
    desk.add("a")
    await turns()
    desk.add("b")
    await turns()

    assert (desk.lost, desk.done, desk.broker.committed) == ([error], [], [])


async def test_an_abort_that_fails_leaves_the_epoch_in_doubt() -> None:
    desk, error = Desk(), KafkaError("abort")
    desk.broker.faults.extend([("commit", KafkaConnectionError("away")), ("abort", error)])
    desk.add("a")
    await turns()

    assert (desk.lost, desk.done) == ([error], [])


async def test_a_group_that_can_never_be_written_is_refused_and_the_others_go_on() -> None:
    desk = Desk()
    desk.add("a")
    desk.add("b", b"huge", refusable=True)
    desk.add("c")
    await desk.writer.drained()

    assert (desk.written, desk.done, desk.lost) == ([b"a", b"c"], ["a", "not b", "c"], [])
    assert desk.store.get(b"mark b") is None


async def test_a_group_that_must_be_written_and_cannot_is_told_and_tried_again() -> None:
    desk = Desk()
    with capture_logs() as logs:
        desk.add("a", b"huge")
        await turns(50)

    assert (desk.lost, desk.done) == ([], [])
    assert {entry["event"] for entry in logs} == {"cannot_write"}
    assert logs[0]["topics"] == sorted([LOG[0], "out"])
    await desk.writer.close()


async def test_a_record_larger_than_a_batch_gets_one_of_its_own() -> None:
    desk = Desk()
    for name in "abc":
        desk.add(name, b"x" * 700_000)
    await desk.writer.drained()

    assert (desk.written, desk.broker.transactions) == ([b"a", b"b", b"c"], 1)


async def test_header_names_that_are_no_utf8_are_written_in_their_place() -> None:
    desk = Desk()
    odd = RawName(b"\xff".decode("utf-8", "surrogateescape"))
    for name, headers in (("a", ()), ("b", ((odd, b"1"),)), ("c", ())):
        out = Outgoing(topic="out", partition=1, key=name.encode(), value=b"", headers=headers)
        desk.writer.add(Group(records=(out,)))
    await desk.writer.drained()

    assert desk.written == [b"a", b"b", b"c"]


async def test_writing_state_waits_until_it_is_durable() -> None:
    desk = Desk()
    await desk.writer.write({b"k": b"1", b"gone": None})

    assert desk.store.durable == {b"k": b"1"}
    assert desk.broker.committed == [(*LOG, b"k", b"1"), (*LOG, b"gone", None)]


async def test_state_that_can_never_be_written_fails_whoever_waits_and_the_others_go_on() -> None:
    desk = Desk()
    waiting = asyncio.ensure_future(desk.writer.write({b"k": b"huge"}))
    desk.add("a")
    await desk.writer.drained()

    with pytest.raises(MessageSizeTooLargeError):
        await waiting
    assert (desk.done, desk.lost, desk.store.get(b"k")) == (["a"], [], None)


async def test_a_closed_writer_takes_nothing_and_ends_whoever_waits() -> None:
    desk = Desk()
    await desk.writer.close()
    desk.add("a")

    assert desk.store.get(b"mark a") is None
    with pytest.raises(asyncio.CancelledError):
        await desk.writer.write({b"k": b"1"})
