"""Purged letters: closed for good, and what was paid for them is thrown away by its owner."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from streamagents.pipeline.identity import read_seen_key
from streamagents.pipeline.places import MARKS, STEPS, steps_of
from support import wait_until_async
from support.letters import Operator
from support.workers import Fleet, job

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

SOON_S = 40
"""A worker looks every ten seconds."""


async def broken(fleet: Fleet, *numbers: int) -> None:
    """Tasks that fail behind a step that was paid for."""
    await fleet.send("task", [job(n, f"k{n}", what="fail") for n in numbers])
    await fleet.settled()


async def kept(fleet: Fleet) -> tuple[list[str], list[str]]:
    """Of which events the state keeps the mark, and of which the steps."""
    state = {key: value for key, value in (await fleet.state()).items() if value is not None}
    steps = [key for key in state if key.startswith(STEPS)]
    marked = {
        seen.id: key for key in state if key.startswith(MARKS) and (seen := read_seen_key(key))
    }
    paid = [
        id_ for id_, key in marked.items() if any(step.startswith(steps_of(key)) for step in steps)
    ]
    return sorted(marked), sorted(paid)


async def frees(fleet: Fleet, *left: str) -> None:
    """Wait until steps are kept only of these events."""

    async def gone() -> bool:
        return (await kept(fleet))[1] == list(left)

    await wait_until_async(gone, SOON_S)


def paid(fleet: Fleet) -> Counter[int]:
    return Counter(int(n) for n, *_ in fleet.lines("pay"))


async def test_a_purge_frees_the_steps_and_leaves_the_mark(works: Fleet, tmp_path: Path) -> None:
    operator, file = Operator(works), tmp_path / "letters.jsonl"
    works.start()
    await broken(works, 1, 2, 3)
    assert await kept(works) == (["1", "2", "3"], ["1", "2", "3"])
    operator("export", "--id", "1", "--out", str(file))
    operator("purge", "--id", "1", "--yes")
    await frees(works, "2", "3")
    assert (await kept(works))[0] == ["1", "2", "3"]

    await broken(works, 1)  # the same event again: a duplicate
    replay = ("replay", "--file", str(file), "--yes", "--wait", "60")
    assert operator.json(*replay)["plan"]["left"] == {"closed: purged (--purged)": 1}
    assert paid(works) == {1: 1, 2: 1, 3: 1}
    assert operator.json(*replay, "--purged")["outcomes"] == {"done": 1}
    assert paid(works) == {1: 2, 2: 1, 3: 1}


async def test_what_was_purged_while_no_worker_ran_is_freed_by_the_next(works: Fleet) -> None:
    operator = Operator(works)
    worker = works.start()
    await broken(works, *range(20))
    works.stop(worker)
    operator("replay", "--key", "k7", "--yes")
    assert "Purged 20 letters" in operator("purge", "--yes")  # number 7 is under way
    assert await works.letters("task") == []
    assert len((await kept(works))[1]) == 20

    works.start()
    await works.settled()
    await frees(works)
    assert set(paid(works).values()) == {1}
    done = [json.loads(record.value or b"")["n"] for record in await works.read("task_done")]
    assert done == [7]
