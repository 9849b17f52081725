"""Durable state of a key: exact through kills and rebalances, untouched by what fails."""

from __future__ import annotations

import json
from collections import defaultdict

import pytest

from streamagents.pipeline.places import value_key
from streamagents.pipeline.stored import decode_value
from support import wait_until
from support.workers import Fleet, header, job

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


async def counted(fleet: Fleet) -> dict[str, list[tuple[int, int]]]:
    """By key, in order: the events that were counted, and what the counter said."""
    told = defaultdict(list)
    for record in await fleet.read("counted"):
        data = json.loads(record.value or b"")
        told[data["who"]].append((data["n"], data["count"]))
    return told


def value(state: dict[bytes, bytes | None], who: str, name: str) -> object:
    """A value as it lies in the changelog."""
    raw = state.get(value_key("CounterAgent", who.encode(), name))
    return None if raw is None else json.loads(decode_value(raw))


async def test_what_fails_leaves_the_state_as_it_was(calm: Fleet) -> None:
    doings = ["", "fail once", "fail", "large", "", "forget", "profile", "spoil", "profile", ""]
    visits = [job(n, "ann", what=what) for n, what in enumerate(doings)]
    await calm.send("visit", [*visits, job(20, "bob"), job(21, "bob", what="profile")])
    await calm.settled()
    assert await counted(calm) == {
        # Event 2 failed for good, 3 was too large, 5 forgot the count, 8 could not read on.
        "ann": [(0, 1), (1, 2), (4, 3), (5, 4), (6, 1), (7, 2), (9, 3)],
        "bob": [(20, 1), (21, 2)],
    }
    assert [words[:3] for words in calm.lines("profile")] in (
        [["6", "0", "UTC"], ["21", "20", "UTC"]],
        [["21", "20", "UTC"], ["6", "0", "UTC"]],
    )
    letters = {
        json.loads(letter.value or b"")["n"]: letter for letter in await calm.letters("visit")
    }
    assert {n: header(at, "streamagents-error-code") for n, at in letters.items()} == {
        2: "failed",
        3: "too_large",
        8: "state_invalid",
    }
    assert "takes at most 1,048,576" in header(letters[3], "__streams.errors.message")
    assert "The state 'profile' is no Profile" in header(letters[8], "__streams.errors.message")
    state = await calm.state()
    assert value(state, "ann", "count") == 3
    assert value(state, "ann", "large") is None
    assert value(state, "bob", "count") == 2


KEYS, EACH = 20, 30
REBALANCING = "because it is rebalancing"


async def test_a_counter_is_exact_after_a_kill_and_a_rebalance_whichever_topic_counts(
    works: Fleet,
) -> None:
    worker = works.start()
    for topic, numbers in (("visit", range(EACH)), ("bill", range(1000, 1000 + EACH))):
        records = [
            job(
                n,
                f"k{key}",
                seconds=0.02,
                what="fail once" if n % 10 == 3 else "",
                gate="rebalance" if n == 1010 else "",
            )
            for n in numbers
            for key in range(KEYS)
        ]
        await works.send(topic, records)
    wait_until(lambda: len(works.lines("count")) > 200)
    works.kill(worker)
    killed_at = sum(map(len, (await counted(works)).values()))

    works.start()
    wait_until(lambda: len([n for n, *_ in works.lines("count") if n == "1010"]) >= KEYS, 30)
    before = works.log.read_text().count(REBALANCING)
    works.start(ready=False)
    wait_until(lambda: works.log.read_text().count(REBALANCING) > before, 30)
    works.open("rebalance")  # an event of each key was in hand
    await works.settled()

    told, state = await counted(works), await works.state()
    assert 0 < killed_at < KEYS * EACH * 2
    assert len(told) == KEYS
    for who, pairs in told.items():
        assert [count for _, count in pairs] == list(range(1, 2 * EACH + 1))
        for topic_numbers in (range(EACH), range(1000, 1000 + EACH)):
            assert [n for n, _ in pairs if n in topic_numbers] == [*topic_numbers]
        assert value(state, who, "count") == 2 * EACH
    assert len({worker for *_, worker in works.lines("count")}) == 3
