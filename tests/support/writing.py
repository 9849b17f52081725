"""The writer on a desk: a transactional producer, and the broker behind it."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from types import SimpleNamespace
from typing import Any, cast

from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder

from streamagents.bus.raw import TolerantRecords
from streamagents.ports import Outgoing
from streamagents.runtime.group import Group
from streamagents.runtime.writer import Writer
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
        self._message_accumulator = SimpleNamespace(_pending_batches=[], _batches={})

    def _maybe_fail(self, step: str) -> None:
        if self.faults and self.faults[0][0] == step:
            raise self.faults.popleft()[1]

    def create_batch(self) -> BatchBuilder:
        """A batch as the producer makes it."""
        return BatchBuilder(512 << 10, 0, is_transactional=True)

    async def begin_transaction(self) -> None:
        """Nothing of it is committed yet."""
        self._maybe_fail("begin")
        self._open = []

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Any:
        """Take records; a value `huge` is more than a topic takes."""
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
        """All of it is there."""
        self._maybe_fail("commit")
        self.committed += self._open
        self.transactions += 1

    async def abort_transaction(self) -> None:
        """Nothing of it is there."""
        self._maybe_fail("abort")
        self._open = []

    async def stop(self) -> None:
        """Nothing is held."""


class WriterDesk:
    """The real writer over a broker that fails when it is told to."""

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

    def add(
        self,
        name: str,
        value: bytes = b"v",
        *,
        refusable: bool = False,
        binding: bool = False,
        instead: str = "",
    ) -> None:
        """Queue a group; `instead` is what takes its place if it is refused."""

        def refused(_: BaseException) -> None:
            self.done.append("not " + name)
            if instead:
                self.add(instead)

        out = Outgoing(topic="out", partition=1, key=name.encode(), value=value)
        self.writer.add(
            Group(
                writes={b"mark " + name.encode(): b"done"},
                records=(out,),
                durable=lambda: self.done.append(name),
                refused=refused if refusable or binding or instead else None,
                binding=binding,
                awaited=True,
            )
        )

    @property
    def written(self) -> list[bytes | None]:
        """Keys of the records that are there, in order."""
        return [key for topic, _, key, _ in self.broker.committed if topic == "out"]
