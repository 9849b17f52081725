"""The sweep: what nobody needs any more is forgotten, in small slices, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from streamagents.pipeline.expiry import UNLIMITED, Lifetime
from streamagents.pipeline.identity import seen_key
from streamagents.pipeline.mark import History, Mark, NewerFormatError, Status
from streamagents.pipeline.places import delayed_key, parked_key, step_key, value_key
from streamagents.runtime.intent import intent_key
from streamagents.runtime.sweep import SLICE, Sweep
from support.records import turns
from support.stores import FakeStore, FakeWriter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamagents.runtime.store import Store
    from streamagents.runtime.writer import Writer

LIFE = Lifetime(done_s=100, letter_s=1000)
NOW = 1_000_000


def key(number: int, topic: str = "order") -> bytes:
    return seen_key(topic, "shop", f"i-{number:06}", b"k")


def done(age_s: int, status: Status = Status.DONE, *, parked: bool = False) -> bytes:
    return Mark(status=status, at=NOW - age_s, history=History(parked=parked)).encode()


class Desk:
    """A sweep of topics whose marks live for 100 s, those of letters for 1000 s."""

    def __init__(
        self, rows: dict[bytes, bytes] | Store, *topics: str, life: Lifetime = LIFE
    ) -> None:
        self.store = FakeStore() if isinstance(rows, dict) else rows
        self.writer = FakeWriter(self.store)
        self.behind: set[str] = set()
        """Topics of which not everything has been delivered."""
        self.sweep = Sweep(
            self.store,
            cast("Writer", self.writer),
            dict.fromkeys(topics or ("order",), life),
            lambda topic: topic not in self.behind,
        )
        self.sweep.slice(0.0)  # the first pause is over
        if isinstance(rows, dict):
            self.store.apply([("rows", rows)], None)

    async def all(self, now_s: float = NOW) -> int:
        """A whole pass; how many were forgotten."""
        gone, slices = 0, 0
        while True:
            gone += self.sweep.slice(now_s)
            slices += 1
            await turns(2)
            if self.sweep._cursor is None:
                self.slices = slices
                return gone

    def rows(self) -> dict[bytes, bytes]:
        """Everything that is durable."""
        return dict(self.store.scan(b""))

    def left(self, keys: Iterable[bytes]) -> list[bytes]:
        return [one for one in keys if self.store.get(one) is not None]


@pytest.mark.parametrize(
    ("status", "age_s", "stays"),
    [
        (Status.DONE, 100, True),
        (Status.DONE, 101, False),
        (Status.DEAD_LETTERED, 101, True),
        (Status.DEAD_LETTERED, 1000, True),
        (Status.DEAD_LETTERED, 1001, False),
        (Status.RUNNING, 101, True),
        (Status.RUNNING, 1001, False),
        (Status.RELEASED, 1001, False),
        (Status.WAITING, 999, True),
        (Status.WAITING, 1001, False),
    ],
)
async def test_a_mark_goes_when_its_time_is_over(
    status: Status,
    age_s: int,
    stays: bool,  # noqa: FBT001 - a case
) -> None:
    desk = Desk({key(1): done(age_s, status)})

    assert await desk.all() == (0 if stays else 1)
    assert (key(1) in desk.rows()) is stays


@pytest.mark.parametrize(("days", "stays"), [(0, True), (366, True), (367, False)])
async def test_what_waits_in_the_state_stays_as_long_as_it_may_wait(
    days: int,
    stays: bool,  # noqa: FBT001 - a case
) -> None:
    desk = Desk({key(1): done(0, Status.WAITING, parked=True)})

    assert await desk.all(NOW + days * 86_400) == (0 if stays else 1)


async def test_what_may_come_again_is_not_forgotten_however_old_it_is() -> None:
    """A worker that was away for long: what it had done, and not committed, is delivered again."""
    rows = {
        key(1): done(10**5),
        key(2): done(10**5, Status.DEAD_LETTERED),
        key(3, "other"): done(10**5),
    }
    desk = Desk(rows, "order", "other")
    desk.behind = {"order"}
    await desk.all()
    assert desk.left(rows) == [key(1), key(2)]
    desk.behind = set()
    await desk.all(NOW + 100)

    assert desk.left(rows) == []


async def test_a_mark_that_is_on_its_way_is_in_somebodys_hands() -> None:
    desk = Desk({key(1): done(10**5), key(2): done(10**5)})
    desk.store.buffer("group", {key(1): done(0)})

    assert await desk.all() == 1
    assert desk.left([key(1), key(2)]) == [key(1)]


async def test_a_topic_that_the_application_does_not_know_keeps_its_marks() -> None:
    rows = {key(1): done(10**5), key(2, "other"): done(10**5)}
    desk = Desk(rows)

    assert await desk.all() == 1
    assert desk.left(rows) == [key(2, "other")]


async def test_each_topic_has_a_time_of_its_own() -> None:
    rows = {key(1): done(500), key(2, "other"): done(500)}
    desk = Desk(rows, "order", "other")
    desk.sweep._lifetimes = {"order": LIFE, "other": Lifetime(UNLIMITED, UNLIMITED)}
    await desk.all()

    assert desk.left(rows) == [key(2, "other")]


async def test_the_steps_of_a_letter_go_with_its_mark_and_no_others() -> None:
    others = {step_key(key(2), "enrich"): b"\x01", step_key(key(3), "enrich"): b"\x01"}
    mine = {step_key(key(1), path): b"\x01" for path in ("enrich", "enrich/look", "score")}
    marks = {
        key(1): done(2000, Status.DEAD_LETTERED),
        key(2): done(10, Status.DEAD_LETTERED),
        key(3): done(10),
    }
    desk = Desk({**marks, **mine, **others})
    await desk.all()

    assert set(desk.rows()) == {key(2), key(3), *others}


@pytest.mark.parametrize(
    ("mark", "replay", "stays"),
    [
        (Mark(status=Status.DEAD_LETTERED, at=NOW), 0, False),
        (Mark(status=Status.DEAD_LETTERED, at=NOW, replay=2), 2, False),
        (Mark(status=Status.DEAD_LETTERED, at=NOW, replay=2), 1, True),  # it has a later letter
        (Mark(status=Status.RUNNING, at=NOW), 0, True),  # it was sent again
        (Mark(status=Status.WAITING, at=NOW), 0, True),
        (Mark(status=Status.DONE, at=NOW), 0, True),
        (None, 0, True),
    ],
)
async def test_the_steps_of_a_purged_letter_go_and_its_mark_stays(
    mark: Mark | None,
    replay: int,
    stays: bool,  # noqa: FBT001 - a case
) -> None:
    marks = {} if mark is None else {key(1): mark.encode()}
    others = {key(2): done(0, Status.DEAD_LETTERED), step_key(key(2), "enrich"): b"\x01"}
    mine = {step_key(key(1), path): b"\x01" for path in ("enrich", "enrich/look")}
    desk = Desk({**marks, **others, **mine})

    assert desk.sweep.purged(key(1), replay) == (0 if stays else 2)
    await turns(2)
    assert desk.rows() == {**marks, **others, **(mine if stays else {})}


async def test_a_replay_that_has_begun_to_pay_keeps_what_it_paid_for() -> None:
    running = Mark(status=Status.RUNNING, at=NOW, replay=1).encode()
    desk = Desk({key(1): done(0, Status.DEAD_LETTERED), step_key(key(1), "enrich"): b"\x01"})
    desk.store.buffer("group", {key(1): running})  # on its way

    assert desk.sweep.purged(key(1), 0) == 0


async def test_nothing_but_marks_and_their_steps_is_touched() -> None:
    others = {
        intent_key("order"): b"\x01",
        value_key("Agent", b"k", "count"): b"\x01",
        parked_key(bytes(16), 1): b"\x01",
        delayed_key(1, "order", 1): b"\x01",
        b"__faust\0offset__": b"41",
    }
    desk = Desk({key(1): done(10**5), **others})
    await desk.all()

    assert set(desk.rows()) == set(others)


async def test_what_is_forgotten_is_deleted_by_tombstones_in_one_group() -> None:
    desk = Desk({key(number): done(10**5) for number in range(3)})
    await desk.all()
    (group,) = desk.writer.committed

    assert group.writes == {key(number): None for number in range(3)}
    assert (group.records, desk.rows()) == ((), {})


async def test_where_nothing_has_expired_nothing_is_written() -> None:
    desk = Desk({key(number): done(0) for number in range(3)})
    await desk.all()

    assert desk.writer.committed == []


async def test_a_slice_is_small_and_the_next_goes_on_where_it_ended() -> None:
    rows = {key(number): done(10**5 if number % 3 else 0) for number in range(2 * SLICE + 10)}
    desk = Desk(rows)

    assert desk.sweep.slice(NOW) == sum(1 for number in range(SLICE) if number % 3)
    await desk.all()
    assert desk.slices == 2
    assert desk.left(rows) == [key(number) for number in range(2 * SLICE + 10) if not number % 3]


@pytest.mark.parametrize("count", [0, 1, SLICE - 1, SLICE, SLICE + 1, 3 * SLICE])
async def test_a_pass_ends_whatever_the_number_of_marks(count: int) -> None:
    desk = Desk({key(number): done(10**5) for number in range(count)})

    assert await desk.all() == count
    assert desk.rows() == {}


async def test_marks_that_come_and_go_between_slices_do_no_harm() -> None:
    rows = {key(number): done(10**5) for number in range(0, 2 * SLICE, 2)}
    desk = Desk(rows)
    desk.sweep.slice(NOW)
    cursor = desk.sweep._cursor
    assert cursor is None or cursor in desk.rows()
    desk.store.apply([("x", {cursor or key(1): None, key(2 * SLICE + 1): done(10**5)})], None)
    await desk.all(NOW + 10)  # the next pass, if the first is over

    assert desk.rows() == {}


@pytest.mark.parametrize(
    ("shortest_s", "pause_s"),
    [(10, 1), (50, 1), (500, 10), (7 * 86_400, 3600), (UNLIMITED, 3600)],
)
async def test_between_two_passes_is_a_pause_for_a_fiftieth_of_the_shortest_life(
    shortest_s: float, pause_s: float
) -> None:
    desk = Desk({}, life=Lifetime(shortest_s, shortest_s))
    await desk.all()
    desk.store.apply([("x", {key(1): done(NOW)})], None)
    expected = 0 if shortest_s == UNLIMITED else 1

    assert desk.sweep.slice(NOW + pause_s - 0.001) == 0
    assert desk.sweep.slice(NOW + pause_s) == expected


@pytest.mark.parametrize("jump_s", [-(10**6), -(10**9), 10**9])
async def test_a_clock_that_jumps_stops_no_sweep(jump_s: int) -> None:
    desk = Desk({})
    await desk.all(2 * 10**9)
    now = 2 * 10**9 + jump_s
    desk.store.apply([("x", {key(1): Mark(status=Status.DONE, at=0).encode()})], None)

    assert desk.sweep.slice(now) == 1


async def test_without_topics_nothing_is_forgotten() -> None:
    store = FakeStore({key(1): done(NOW)})
    sweep = Sweep(store, cast("Writer", FakeWriter(store)), {}, lambda _: True)

    assert sweep.slice(NOW) == 0


async def test_a_newer_format_stops_the_worker() -> None:
    desk = Desk({key(1): b"\x02" + done(NOW)[1:]})

    with pytest.raises(NewerFormatError):
        desk.sweep.slice(NOW)


async def test_a_real_state_is_swept(rocks: Store) -> None:
    marks = {key(number): done(2000 if number % 2 else 0) for number in range(3 * SLICE)}
    marks[key(10**5)] = done(2000, Status.DEAD_LETTERED)
    steps = {step_key(key(10**5), f"s{number}"): b"\x01" for number in range(5)}
    desk = Desk(rocks)
    rocks.apply([("x", {**marks, **steps, intent_key("order"): b"\x01"})], 7)
    gone = await desk.all()

    assert gone == 3 * SLICE // 2 + 1 + len(steps)
    assert desk.left(steps) == []
    assert desk.left(marks) == [key(number) for number in range(0, 3 * SLICE, 2)]
    assert rocks.get(intent_key("order")) == b"\x01"


async def test_the_first_pass_waits_for_what_the_assignment_brings_again() -> None:
    store = FakeStore({key(1): done(10**5)})
    writer = cast("Writer", FakeWriter(store))
    sweep = Sweep(store, writer, {"order": Lifetime(500, 500)}, lambda _: True)

    assert [sweep.slice(NOW + after_s) for after_s in (0, 9, 10)] == [0, 0, 1]
