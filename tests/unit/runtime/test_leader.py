"""The leader's clockwork: one tick for each new slot, whatever the clock and the broker do."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from structlog.testing import capture_logs

from streamagents.runtime.emitter import Destination
from streamagents.runtime.leader import Clockwork
from streamagents.testing import FakeClock, MemoryBus
from streamagents.testing.bus import murmur2_partition
from streamagents.topics import TICKS
from support.metronome import Metronome
from support.records import PARTITIONS

if TYPE_CHECKING:
    from datetime import datetime

    import pytest


class Leader:
    """A clockwork with its bus and clock in hand."""

    def __init__(self, *metronomes: Metronome, bus: MemoryBus | None = None) -> None:
        self.metronomes = metronomes or (Metronome(),)
        self.clock = FakeClock()
        self.bus = bus or MemoryBus({TICKS: PARTITIONS})
        self.connected = 0
        self.clockwork = Clockwork(
            "shop",
            {metronome.name: metronome for metronome in self.metronomes},
            destination=Destination(topic=TICKS, partitions=PARTITIONS),
            partition_of=murmur2_partition,
            clock=self.clock,
            connect=partial(self._connect),
        )

    def _connect(self) -> MemoryBus:
        self.connected += 1
        return self.bus

    async def look(self, *, after_s: float = 0) -> None:
        """Let time pass, and look."""
        self.clock.advance(after_s)
        await self.clockwork.look()

    @property
    def ids(self) -> list[str]:
        """What was written, by ids without the day."""
        ids = [dict(record.headers)["ce_id"] or b"" for record in self.bus.records(TICKS)]
        return [one.decode().replace("2026-01-01T", "").removesuffix(":00Z") for one in ids]


async def test_the_current_slot_is_written_at_once_and_each_new_one_once() -> None:
    leader = Leader()

    for _ in range(150):
        await leader.look(after_s=1)

    assert leader.ids == ["pulse:00:00", "pulse:00:01", "pulse:00:02"]
    assert leader.connected == 1


async def test_a_tick_lies_where_its_name_belongs() -> None:
    leader = Leader(Metronome("a"), Metronome("b"), Metronome("c"))

    await leader.look()

    places = {record.key: record.partition for record in leader.bus.records(TICKS)}
    assert places == {key: murmur2_partition(key, PARTITIONS) for key in (b"a", b"b", b"c")}


async def test_only_the_latest_slot_is_written_after_a_pause() -> None:
    leader = Leader()

    await leader.look()
    await leader.look(after_s=3600)

    assert leader.ids == ["pulse:00:00", "pulse:01:00"]


async def test_a_new_leader_writes_the_current_slot_again_under_the_same_id() -> None:
    first = Leader()
    await first.look()
    second = Leader(bus=first.bus)

    await second.look(after_s=20)

    assert first.ids == ["pulse:00:00", "pulse:00:00"]


async def test_a_clock_that_jumps_back_makes_no_new_id() -> None:
    leader = Leader(Metronome(every_s=10))
    for _ in range(3):
        await leader.look(after_s=10)
    leader.clock._start -= timedelta(seconds=25)
    for _ in range(3):
        await leader.look(after_s=10)

    slots = [json.loads(record.value or b"")["slot"] for record in leader.bus.records(TICKS)]

    assert [slot[-3:-1] for slot in slots] == ["10", "20", "30", "10", "20", "30"]
    assert len(set(slots)) == 3


async def test_a_broker_that_is_away_is_told_once_and_the_slot_is_written_later() -> None:
    leader = Leader()
    leader.bus.available = False
    with capture_logs() as logs:
        for _ in range(5):
            await leader.look(after_s=1)
        leader.bus.available = True
        await leader.look(after_s=1)

    assert leader.ids == ["pulse:00:00"]
    assert [entry["event"] for entry in logs] == ["ticks_not_written", "ticks_written_again"]
    assert leader.connected == 6


async def test_one_whose_slot_fails_is_told_once_and_does_not_stop_the_others() -> None:
    broken, sound = Metronome("broken"), Metronome("sound")
    broken.error = ValueError("no calendar")
    leader = Leader(broken, sound)
    with capture_logs() as logs:
        await leader.look()
        await leader.look(after_s=60)

    assert sorted(leader.ids) == ["sound:00:00", "sound:00:01"]
    assert [(entry["event"], entry["name"]) for entry in logs] == [("slot_failed", "broken")]


async def test_what_has_no_slot_yet_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    leader = Leader()

    def none(_now: datetime) -> None: ...

    monkeypatch.setattr(leader.metronomes[0], "slot", none)
    await leader.look()

    assert (leader.ids, leader.connected) == ([], 0)


async def test_a_slot_without_a_zone_is_no_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    leader = Leader()
    naive = leader.clock.now().replace(tzinfo=None)
    monkeypatch.setattr(leader.metronomes[0], "slot", lambda _now: naive)
    with capture_logs() as logs:
        await leader.look()

    assert leader.ids == []
    assert [entry["event"] for entry in logs] == ["slot_failed"]


async def test_closing_twice_or_before_any_tick_does_no_harm() -> None:
    leader = Leader()

    await leader.clockwork.close()
    await leader.look()
    await leader.clockwork.close()
    await leader.clockwork.close()
    await leader.look(after_s=60)

    assert leader.ids == ["pulse:00:00", "pulse:00:01"]
