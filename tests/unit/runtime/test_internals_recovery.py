"""Recovery over a real RocksDB: whole fetches, each with its offset, and what Faust is told."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest
from faust.types import TP

from streamagents.errors import StateError
from streamagents.runtime.internals import OFFSET_KEY, RecordRecovery, open_store
from streamagents.runtime.seam import Poll
from support.records import record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from streamagents.runtime.app import StreamApp

TABLE = "state-p4"


class Desk:
    """The recovery of an application, and one partition of its changelog."""

    def __init__(self, app: StreamApp) -> None:
        self.app, self.table = app, app.tables[TABLE]
        self.recovery = app.tables.recovery
        self.tp = TP(self.table.changelog_topic_name, 2)

    def begin(self, end: int, *, beginning: int = 0) -> None:
        """Faust begins to recover the partition, up to the changelog's end."""
        offsets = self.recovery.active_offsets
        self.recovery.add_active(self.table, self.tp)
        offsets[self.tp] = max(offsets.get(self.tp) or -1, beginning - 1)
        if offsets.get(self.tp) is None:
            offsets[self.tp] = -1
        self.recovery.active_highwaters[self.tp] = end - 1
        self.recovery._set_recovery_started()

    def follow(self, end: int) -> None:
        """Faust begins to follow the partition, which another worker owns."""
        self.recovery.add_standby(self.table, self.tp)
        if self.recovery.standby_offsets[self.tp] is None:
            self.recovery.standby_offsets[self.tp] = -1
        self.recovery.standby_highwaters[self.tp] = end - 1

    def poll(self, start: int, end: int, *changes: tuple[int, bytes | None, bytes | None]) -> Poll:
        records = [
            record(value, topic=self.tp.topic, partition=2, offset=offset, key=key)
            for offset, key, value in changes
        ]
        return Poll(self.tp, records, start, end, None)

    def take(self, start: int, end: int, *changes: tuple[int, bytes, bytes | None]) -> int | None:
        found: int | None = self.recovery.take(self.poll(start, end, *changes))
        return found

    @property
    def state(self) -> dict[bytes, bytes]:
        """What is in RocksDB, Faust's offset left out."""
        return {k: v for k, v in open_store(self.table, 2).items() if k != OFFSET_KEY}

    @property
    def held(self) -> int | None:
        """Faust's offset in RocksDB."""
        found: int | None = self.table.persisted_offset(self.tp)
        return found


@pytest.fixture
async def desk(shop: StreamApp) -> AsyncIterator[Desk]:
    yield Desk(shop)
    await shop.tables[TABLE].data.stop()


async def test_the_application_recovers_as_we_do(desk: Desk) -> None:
    assert type(desk.recovery) is RecordRecovery
    assert desk.app.tables.recovery is desk.recovery


async def test_a_fetch_is_applied_with_its_offset(desk: Desk) -> None:
    desk.begin(10)
    assert desk.take(0, 3, (0, b"a", b"1"), (1, b"b", b"1"), (2, b"a", b"2")) is None
    assert (desk.state, desk.held) == ({b"a": b"2", b"b": b"1"}, 2)
    assert desk.recovery.in_recovery
    assert desk.take(3, 5, (3, b"b", None), (4, b"e", b"")) is None

    assert (desk.state, desk.held) == ({b"a": b"2", b"e": b""}, 4)
    assert desk.recovery.active_offsets[desk.tp] == 4
    assert desk.recovery.active_remaining_total() == 5


async def test_what_carries_no_record_is_applied_all_the_same(desk: Desk) -> None:
    """A transaction ends in a marker; what was aborted or compacted away is not delivered."""
    desk.begin(8)
    desk.take(0, 3, (1, b"a", b"1"))
    assert (desk.held, desk.recovery.in_recovery) == (2, True)
    desk.take(3, 8)

    assert (desk.state, desk.held) == ({b"a": b"1"}, 7)
    assert not desk.recovery.in_recovery


async def test_what_is_there_already_is_not_applied_again(desk: Desk) -> None:
    """Faust reads the last record again; what came behind it may have changed the same key."""
    desk.begin(10)
    desk.take(0, 4, (0, b"a", b"1"), (3, b"a", b"2"))
    desk.take(0, 1, (0, b"a", b"1"))
    assert (desk.state, desk.held) == ({b"a": b"2"}, 3)
    assert desk.recovery.active_offsets[desk.tp] == 3
    desk.take(0, 6, (0, b"a", b"1"), (3, b"a", b"2"), (5, b"b", b"1"))

    assert (desk.state, desk.held) == ({b"a": b"2", b"b": b"1"}, 5)


async def test_a_record_without_a_key_changes_nothing(desk: Desk) -> None:
    desk.begin(2)
    assert desk.recovery.take(desk.poll(0, 2, (0, None, b"1"), (1, b"a", b"1"))) is None

    assert (desk.state, desk.held) == ({b"a": b"1"}, 1)


async def test_nothing_is_applied_behind_something_that_is_missing(desk: Desk) -> None:
    desk.begin(10)
    assert desk.take(1, 3, (1, b"a", b"1")) == 0
    assert (desk.state, desk.held) == ({}, None)
    desk.take(0, 3, (1, b"a", b"1"))
    assert desk.take(4, 10, (9, b"a", b"2")) == 2

    assert (desk.state, desk.held) == ({b"a": b"1"}, 2)
    assert (desk.recovery.active_offsets[desk.tp], desk.recovery.in_recovery) == (2, True)


async def test_a_changelog_begins_where_its_first_record_is(desk: Desk) -> None:
    desk.begin(60, beginning=50)
    desk.take(49, 60, (50, b"a", b"1"), (59, b"b", b"1"))

    assert (desk.state, desk.held) == ({b"a": b"1", b"b": b"1"}, 59)
    assert not desk.recovery.in_recovery


async def test_a_fetch_of_a_partition_that_is_not_ours_is_left_alone(desk: Desk) -> None:
    assert desk.take(0, 3, (0, b"a", b"1")) is None
    desk.begin(3)
    desk.recovery.active_tps.clear()  # as a rebalance does
    desk.take(0, 3, (0, b"a", b"1"))

    assert (desk.state, desk.held) == ({}, None)


async def test_the_end_is_signalled_once_everything_is_there(desk: Desk) -> None:
    desk.begin(4)
    desk.take(0, 3, (2, b"a", b"1"))
    assert not desk.recovery.signal_recovery_end.is_set()
    desk.take(3, 4, (3, b"a", b"2"))

    # Faust may begin to wait only now.
    await asyncio.wait_for(desk.recovery.signal_recovery_end.wait(), 1)
    desk.begin(9)
    assert not desk.recovery.signal_recovery_end.is_set()


async def test_nobody_else_takes_the_signal_back(desk: Desk) -> None:
    """Stock waits for records of its own, and clears the signal every few seconds."""
    (slurp,) = (t for t in desk.recovery._get_tasks() if t.fun.__name__ == "_slurp_changelogs")
    desk.begin(1)
    desk.take(0, 1)
    await asyncio.wait_for(slurp.fun(desk.recovery), 1)

    assert desk.recovery.signal_recovery_end.is_set()


async def test_a_standby_follows_and_takes_over_from_where_it_is(desk: Desk) -> None:
    desk.follow(4)
    desk.app.tables.standbys_ready = False
    desk.take(0, 3, (0, b"a", b"1"))
    assert not desk.app.tables.standbys_ready
    desk.take(3, 4)
    assert desk.app.tables.standbys_ready
    desk.take(4, 9, (7, b"a", b"2"))
    assert desk.recovery.standby_offsets[desk.tp] == 8
    desk.recovery.standby_tps.clear()
    desk.begin(9)

    assert (desk.state, desk.held) == ({b"a": b"2"}, 8)
    assert desk.recovery.active_offsets[desk.tp] == 8
    assert not desk.recovery.need_recovery()


async def test_what_rocksdb_does_not_take_is_not_held(desk: Desk) -> None:
    desk.begin(9)
    desk.take(0, 3, (0, b"a", b"1"))
    store = desk.table.data
    real = store._dbs[2]

    class Full:
        def get(self, key: bytes) -> bytes | None:
            found: bytes | None = real.get(key)
            return found

        def write(self, batch: Any) -> None:
            raise OSError("no space left")

    store._dbs[2] = Full()
    with pytest.raises(StateError, match="no space left"):
        desk.take(3, 9, (3, b"a", b"2"))
    store._dbs[2] = real

    assert (desk.state, desk.held) == ({b"a": b"1"}, 2)
    assert (desk.recovery.active_offsets[desk.tp], desk.recovery.in_recovery) == (2, True)


@pytest.mark.parametrize("seed", range(10))
async def test_rocksdb_holds_a_prefix_of_the_changelog_at_any_time(desk: Desk, seed: int) -> None:
    """However it is cut into fetches, and wherever recovery begins anew."""
    rng = random.Random(seed)
    end = 200
    log = {
        offset: (b"%d" % rng.randrange(20), rng.choice([None, b"%d" % offset]))
        for offset in range(end)
        if rng.random() < 0.8
    }
    desk.begin(end)
    at = 0
    while at < end:
        if rng.random() < 0.1:  # a kill: Faust reads on from what it finds
            desk.recovery.active_offsets.clear()
            desk.begin(end)
            at = max(desk.recovery.active_offsets[desk.tp], 0)
        until = min(end, at + rng.randrange(1, 30))
        changes = [(offset, *log[offset]) for offset in range(at, until) if offset in log]
        assert desk.take(at, until, *changes) is None
        at = until
        expected: dict[bytes, bytes | None] = {}
        for offset in range(until):
            if offset in log:
                expected[log[offset][0]] = log[offset][1]
        assert desk.held == until - 1
        assert desk.state == {k: v for k, v in expected.items() if v is not None}
    assert not desk.recovery.in_recovery


async def test_the_time_that_is_left_is_told_after_a_few_fetches(desk: Desk) -> None:
    desk.begin(100_000)
    for number in range(30):
        desk.take(number * 100, number * 100 + 100)

    assert desk.recovery._estimated_active_remaining_secs(10) is not None
    assert len(desk.recovery._processing_times) == 20


# -- through the consumer ------------------------------------------------------------------------


class Fetches:
    """A consumer that fetches what it is told to, and notes where it is sent."""

    def __init__(self, desk: Desk, consumer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.desk, self.consumer = desk, consumer
        self.sought: list[dict[TP, int]] = []
        self.crashes: list[BaseException] = []
        self.polls: list[Poll] = []
        self.meanwhile: Any = lambda: None
        consumer._active_partitions = {desk.tp}
        monkeypatch.setattr(consumer, "_getmany", self._getmany)
        monkeypatch.setattr(consumer, "seek_wait", self._seek_wait)
        monkeypatch.setattr(desk.app, "crash", self._crash)

    async def _getmany(self, active_partitions: Any, timeout: float) -> dict[TP, Poll]:
        assert active_partitions == {self.desk.tp}
        self.meanwhile()
        return {poll.tp: poll for poll in self.polls}

    async def _seek_wait(self, partitions: dict[TP, int]) -> None:
        self.sought.append(partitions)

    async def _crash(self, error: BaseException) -> None:
        self.crashes.append(error)

    async def once(self, *polls: Poll) -> None:
        self.polls = list(polls)
        await self.consumer._fetch_once(lambda: False)


@pytest.fixture
async def fetches(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Fetches:
    desk.begin(10)
    return Fetches(desk, desk.app.consumer, monkeypatch)


async def test_the_consumer_hands_changelogs_to_recovery(fetches: Fetches) -> None:
    desk = fetches.desk
    await fetches.once(desk.poll(0, 3, (0, b"a", b"1")))

    assert (desk.state, desk.held, fetches.sought) == ({b"a": b"1"}, 2, [])


async def test_the_consumer_goes_back_to_what_is_missing(fetches: Fetches) -> None:
    desk = fetches.desk
    await fetches.once(desk.poll(0, 3, (0, b"a", b"1")))
    await fetches.once(desk.poll(4, 9, (5, b"a", b"2")))

    assert (desk.held, fetches.sought) == (2, [{desk.tp: 2}])


@pytest.mark.parametrize("what", ["a rebalance begins", "a rebalance is over"])
async def test_what_was_fetched_before_a_rebalance_is_not_applied(
    fetches: Fetches, what: str
) -> None:
    desk, consumer = fetches.desk, fetches.consumer

    def meanwhile() -> None:
        if what == "a rebalance begins":
            consumer.stop_flow()
        else:
            desk.app.consumer_generation_id += 1

    fetches.meanwhile = meanwhile
    await fetches.once(desk.poll(0, 3, (0, b"a", b"1")))

    assert (desk.state, desk.held) == ({}, None)


async def test_a_disk_that_is_full_ends_the_worker(fetches: Fetches) -> None:
    class Full:
        def get(self, key: bytes) -> None:
            return None

        def write(self, batch: Any) -> None:
            raise OSError("no space left")

    desk = fetches.desk
    real, desk.table.data._dbs[2] = open_store(desk.table, 2), Full()
    await fetches.once(desk.poll(0, 3, (0, b"a", b"1")))
    desk.table.data._dbs[2] = real

    assert [type(error) for error in fetches.crashes] == [StateError]
    assert (desk.held, fetches.sought) == (None, [])
