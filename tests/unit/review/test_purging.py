"""Purging: letters are closed one by one, and cut off where nobody needs them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from streamagents.errors import TopicsError
from streamagents.pipeline.identity import seen_key
from streamagents.pipeline.replay import Paid, Stage
from streamagents.ports import Position
from streamagents.review.counts import Counts, Kind
from streamagents.review.desk import Desk, letter_topics
from streamagents.review.filters import Filter
from streamagents.review.naming import Payments
from streamagents.review.purging import audit, forget, heads, purge
from streamagents.review.states import word
from streamagents.testing import FakeClock, MemoryBus
from streamagents.topics import AUDIT, LETTERS, Layout
from support.post import SPRING, TOPICS, a_letter, foreign, ours
from support.records import registration

if TYPE_CHECKING:
    from streamagents.review.letter import Letter

AT = Position("order.dlq", 2, 0)


async def opened(bus: MemoryBus) -> Desk:
    desk = Desk(bus, TOPICS, Layout())
    await desk.open()
    return desk


async def purged(bus: MemoryBus, *ids: str) -> int:
    number = 0
    for id_ in ids:
        letters = (await opened(bus)).letters(Filter(id=id_))
        number += await purge(letters, bus, states_topic=LETTERS, by="ann@x", clock=FakeClock())
    return number


async def filled() -> MemoryBus:
    bus = MemoryBus(TOPICS)
    for n in range(4):
        await bus.send(ours(offset=n, headers=(("ce_id", b"c-%d" % n),)))
    await bus.send(ours(topic="other", code="timeout", headers=()))
    return bus


async def test_purged_letters_are_counted_no_more() -> None:
    bus = await filled()
    assert await purged(bus, "c-1", "c-1", "c-2") == 2
    counts = Counts()
    async for letter in (await opened(bus)).letters(Filter()):
        counts.add(letter)

    assert [(kind, tally.open) for kind, tally in counts.rows()] == [
        (Kind("order.dlq", "OrderAgent", "failed"), 2),
        (Kind("other.dlq", "OrderAgent", "timeout"), 1),
    ]
    assert counts.letters == 3


async def test_a_partition_is_cut_up_to_its_first_letter_that_is_not_closed() -> None:
    bus = await filled()
    await purged(bus, "c-1")
    assert await _heads(bus) == {("order.dlq", 2): 0, ("other.dlq", 2): 0}
    await purged(bus, "c-0")
    assert await _heads(bus) == {("order.dlq", 2): 2, ("other.dlq", 2): 0}
    await purged(bus, "c-2", "c-3")
    assert await _heads(bus) == {("order.dlq", 2): 4, ("other.dlq", 2): 0}


async def _heads(bus: MemoryBus) -> dict[tuple[str, int], int]:
    desk = await opened(bus)
    return await heads(desk.records(), desk.states)


async def test_a_topic_that_does_not_say_it_holds_letters_is_never_cut() -> None:
    bus = MemoryBus(TOPICS)
    await bus.send(ours())
    desk = Desk(bus, TOPICS, Layout())

    assert await heads(bus.read(["order"]), desk.states) == {}


async def test_what_became_of_letters_that_are_gone_is_forgotten() -> None:
    bus = await filled()
    await purged(bus, "c-0", "c-1", "c-2")
    states = (await opened(bus)).states
    assert await forget(states, {("order.dlq", 2): 2}, bus, LETTERS, FakeClock()) == 2

    assert set((await opened(bus)).states) == {Position("order.dlq", 2, 2)}


@pytest.mark.parametrize(
    ("stage", "asked"), [(None, True), (Stage.PARKED, True), (Stage.REPLAYED, False)]
)
async def test_a_purge_asks_the_worker_to_forget_what_nobody_is_about_to_ask_for(
    stage: Stage | None,
    asked: bool,  # noqa: FBT001 - a case
) -> None:
    bus, paid = MemoryBus(TOPICS), Paid("shop", b"e\0mark")
    await bus.send(ours(offset=0))
    if stage is not None:
        said = word(LETTERS, AT, stage, replay=1, by="ann@x", now="2026-11-23T04:00:00Z")
        await bus.send(said)
    letters = (await opened(bus)).letters(Filter())
    await purge(
        letters, bus, states_topic=LETTERS, by="ann@x", clock=FakeClock(), paid=lambda _: paid
    )
    state = (await opened(bus)).states[AT]

    assert state.stage is Stage.PURGED
    assert state.frees == (paid if asked else None)


@pytest.mark.parametrize(("days", "forgotten"), [(0, 0), (6, 0), (8, 1)])
async def test_what_a_worker_was_asked_for_is_known_for_a_week(days: int, forgotten: int) -> None:
    bus, clock = MemoryBus(TOPICS), FakeClock()
    await bus.send(ours(offset=0))
    letters = (await opened(bus)).letters(Filter())
    paid = Paid("shop", b"e\0mark")
    await purge(letters, bus, states_topic=LETTERS, by="ann@x", clock=clock, paid=lambda _: paid)
    clock.advance(days * 86_400)
    states = (await opened(bus)).states

    assert await forget(states, {(AT.topic, AT.partition): 1}, bus, LETTERS, clock) == forgotten
    assert len((await opened(bus)).states) == 1 - forgotten


@pytest.mark.parametrize(
    ("letter", "paid"),
    [
        (a_letter(), Paid("shop", seen_key("order", "", "c-1", b"ada"))),
        (a_letter(group="billing"), None),
        (a_letter(topic="other"), None),
        (a_letter(b"{", headers=()), None),
        (foreign(SPRING), None),
    ],
)
def test_where_the_state_keeps_what_a_letter_has_paid_for(
    letter: Letter, paid: Paid | None
) -> None:
    assert Payments("shop", {"order": registration()})(letter) == paid


async def test_what_a_person_did_is_kept() -> None:
    bus = MemoryBus(TOPICS)
    facts = [("letters", 3), ("asked", {"topic": "order"})]
    await audit(bus, AUDIT, action="dlq.purge", by="ann@x", clock=FakeClock(), facts=facts)
    (record,) = bus.records(AUDIT)

    said = json.loads(record.value or b"")
    assert {**said, "at": ""} == {
        "action": "dlq.purge",
        "by": "ann@x",
        "at": "",
        "letters": 3,
        "asked": {"topic": "order"},
    }


@pytest.mark.parametrize(
    ("named", "names"),
    [
        (None, ["eu.order.dlq", "eu.other.dlq"]),
        ("order", ["eu.order.dlq"]),
        ("eu.order", ["eu.order.dlq"]),
        ("order.dlq", ["eu.order.dlq"]),
        ("orders-dlt", ["orders-dlt"]),
    ],
)
def test_the_topics_of_letters(named: str | None, names: list[str]) -> None:
    topics = dict.fromkeys(
        ("eu.order", "eu.order.dlq", "eu.other.dlq", "order.dlt", "orders-dlt"), 4
    )

    assert letter_topics(topics, "eu.", named) == names


def test_a_topic_that_is_not_there_is_named() -> None:
    with pytest.raises(TopicsError, match="There is no topic nope"):
        letter_topics({}, "", "nope")


def test_a_cluster_without_the_topic_of_letters_says_how_to_get_it() -> None:
    with pytest.raises(TopicsError, match="run `streamagents topics apply`"):
        Desk(MemoryBus({}), {}, Layout()).require_states()
