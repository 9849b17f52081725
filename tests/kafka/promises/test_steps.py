"""Durable steps: what was paid for once is not paid for again, whatever happens in between."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from support import wait_until, wait_until_async
from support.workers import Fleet, header, job

if TYPE_CHECKING:
    from streamagents.ports import Record

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


async def tasks(fleet: Fleet, *numbers: int, topic: str = "task", **fields: str) -> None:
    await fleet.send(topic, [job(n, f"k{n}", **fields) for n in numbers])


def counts(fleet: Fleet, word: str) -> Counter[int]:
    return Counter(int(n) for n, *_ in fleet.lines(word))


async def letter_of(fleet: Fleet, n: int, topic: str = "task", letters: int = 1) -> Record:
    found = [r for r in await fleet.letters(topic) if json.loads(r.value or b"")["n"] == n]
    assert len(found) == letters
    return found[-1]


async def steps(fleet: Fleet) -> dict[bytes, bytes | None]:
    return {key: raw for key, raw in (await fleet.state()).items() if key.startswith(b"s\0")}


async def done(fleet: Fleet) -> list[int]:
    return sorted(json.loads(r.value or b"")["n"] for r in await fleet.read("task_done"))


# -- one worker, that lives on -------------------------------------------------------------------


async def test_a_failed_attempt_does_not_pay_again_and_gets_the_very_same_result(
    calm: Fleet,
) -> None:
    await tasks(calm, 1, what="fail once")
    await calm.settled()
    assert [attempt for n, attempt, _ in calm.lines("task") if n == "1"] == ["1", "2"]
    assert counts(calm, "pay")[1] == counts(calm, "ship")[1] == 1
    first, second = [words for n, *words, _ in calm.lines("paid") if n == "1"]
    assert first == second
    assert first[1:] == ["1.10", "UTC"]  # a Decimal and a time with a zone, in both attempts
    assert [kind for n, kind, _ in calm.lines("ship") if n == "1"] == ["Decimal"]
    (event,) = [
        data for r in await calm.read("task_done") if (data := json.loads(r.value or b""))["n"] == 1
    ]
    assert event["receipt"] == first[0]


async def test_the_steps_of_an_event_that_is_done_leave_the_changelog(calm: Fleet) -> None:
    before = await steps(calm)
    await tasks(calm, 10, 11, 12)
    await tasks(calm, 13, what="fail once")
    await calm.settled()
    after = await steps(calm)
    new = {key: raw for key, raw in after.items() if key not in before}
    assert len(new) == 8  # two of each event were there
    assert set(new.values()) == {None}


async def test_a_replayed_letter_does_not_pay_again(calm: Fleet) -> None:
    await tasks(calm, 20, what="fail")
    await calm.settled()
    letter = await letter_of(calm, 20)
    assert header(letter, "streamagents-attempts") == "3"
    assert counts(calm, "pay")[20] == 1
    kept = {key for key, raw in (await steps(calm)).items() if raw is not None}
    assert len(kept) == 1
    await calm.replay(letter)
    await calm.settled()
    assert counts(calm, "pay")[20] == 1
    assert 20 in await done(calm)
    after = await steps(calm)
    assert all(after[key] is None for key in kept)
    await calm.replay(letter)
    await calm.settled()
    assert counts(calm, "task")[20] == 4  # three attempts and one replay: the second is skipped


REFUSED = {
    "twice": ("failed", "The step 'pay' was begun twice in one run"),
    "secret": ("failed", "The step 'secret' returned object, which cannot be stored as JSON"),
    "too large": ("too_large", "The result of the step 'large' takes 6,291,458 bytes"),
    "emit in a step": ("failed", "ctx.emit was used in the function of step 'emit'"),
}


async def test_what_a_step_cannot_do_is_said_in_the_letter(calm: Fleet) -> None:
    for number, what in enumerate(REFUSED, 30):
        await tasks(calm, number, what=what)
    await calm.settled()
    for number, (code, words) in enumerate(REFUSED.values(), 30):
        letter = await letter_of(calm, number)
        assert header(letter, "streamagents-error-code") == code
        assert words in header(letter, "__streams.errors.message")
        assert counts(calm, "pay")[number] == 1
        assert number not in await done(calm)


# -- workers that end in the middle --------------------------------------------------------------


def paid(fleet: Fleet, times: int) -> bool:
    return sum(counts(fleet, "paid").values()) == times


async def test_no_step_is_paid_for_again_after_a_kill_a_sigterm_and_a_new_version(
    works: Fleet,
) -> None:
    worker = works.start()
    await tasks(works, 200, what="fail")
    await works.settled()
    await tasks(works, 1, 2, 3, gate="ship")
    await tasks(works, 4, gate="fussy", topic="fussy")
    await tasks(works, 100, what="tree", gate="tree")
    works.open("tree")
    wait_until(lambda: paid(works, 8) and len(works.lines("pay")) == 8)
    await saved(works, 8)
    works.kill(worker)

    worker = works.start(STREAMAGENTS_SHUTDOWN_GRACE_S="1")  # SIGTERM, in the same place
    wait_until(lambda: paid(works, 13) and len(works.lines("tree")) == 2)
    assert works.stop(worker) == 0
    assert set(counts(works, "pay").values()) == {1}

    worker = works.start(WORKS_VERSION="2")
    for gate in ("ship", "fussy", "tree-branches"):
        works.open(gate)
    await works.replay(await letter_of(works, 200))  # of a process that is long gone
    await works.settled()
    assert await done(works) == [1, 2, 3, 4, 100, 200]
    assert counts(works, "pay") == {1: 1, 2: 1, 3: 1, 4: 2, 100: 1, 101: 1, 102: 1, 200: 1}
    assert set(counts(works, "ship").values()) == {1}
    numbers = {(n, number) for n, number, *_ in works.lines("paid")}
    assert len(numbers) == 7  # the same receipt in all runs, but for the one that was fussy
    assert len({worker for *_, worker in works.lines("task")}) == 3
    assert {attempt for n, attempt, _ in works.lines("task") if n != "200"} == {"1"}
    assert set((await steps(works)).values()) == {None}
    assert len(await works.letters("task")) == 1
    assert not await works.letters("fussy")


async def saved(fleet: Fleet, number: int) -> None:
    async def all_of_them() -> bool:
        return len(await steps(fleet)) == number

    await wait_until_async(all_of_them)


@pytest.mark.long
async def test_a_kill_at_any_moment_pays_again_only_for_what_was_being_paid(works: Fleet) -> None:
    worker = works.start()
    await tasks(works, *range(1000, 2000))
    wait_until(lambda: len(works.lines("ship")) > 100)
    works.kill(worker)
    durable = await steps(works)
    paid_for = len(works.lines("pay"))
    works.start()
    await works.settled()
    assert await done(works) == list(range(1000, 2000))
    again = sum(counts(works, "pay").values()) - 1000
    assert again <= paid_for - sum(raw is not None for raw in durable.values())
    assert set((await steps(works)).values()) == {None}
