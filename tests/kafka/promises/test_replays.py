"""Dead letters come home: replayed by hand, handled once, and gone from the list."""

from __future__ import annotations

import json
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from support import wait_until
from support.letters import Operator
from support.workers import WORKS, Fleet, job

if TYPE_CHECKING:
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


async def broken(fleet: Fleet, *numbers: int, what: str = "fail", **fields: str) -> None:
    """Tasks that fail until they are replayed; each of a key of its own."""
    await fleet.send("task", [job(n, f"k{n}", what=what, **fields) for n in numbers])
    await fleet.settled()


async def done(fleet: Fleet) -> Counter[int]:
    return Counter(json.loads(r.value or b"")["n"] for r in await fleet.read("task_done"))


def paid(fleet: Fleet, *numbers: int) -> list[int]:
    """How often each was paid for."""
    counts = Counter(int(n) for n, *_ in fleet.lines("pay"))
    return [counts[n] for n in numbers]


async def test_letters_come_home_and_leave_the_list(calm_letters: Fleet) -> None:
    operator = Operator(calm_letters)
    await broken(calm_letters, 1, 2, 3)
    (row,) = operator.json("list", "--agent", "TaskAgent", "--error", "failed")
    assert (row["letters"], row["open"]) == (3, 3)

    said = operator.json("replay", "--topic", "task", "--yes", "--wait", "60")

    assert (said["replayed"], said["outcomes"]) == (3, {"done": 3})
    assert operator.waiting("--topic", "task") == 0
    assert await done(calm_letters) == {1: 1, 2: 1, 3: 1}
    assert paid(calm_letters, 1, 2, 3) == [1, 1, 1]
    assert operator.json("replay", "--topic", "task", "--yes")["replayed"] == 0


@pytest.mark.long
async def test_a_fresh_replay_pays_again(calm_letters: Fleet) -> None:
    operator = Operator(calm_letters)
    await broken(calm_letters, 11)
    said = operator.json("replay", "--id", "11", "--fresh", "--yes", "--wait", "60")

    assert said["outcomes"] == {"done": 1}
    assert paid(calm_letters, 11) == [2]


async def test_what_fails_again_replaces_its_letter_until_it_is_parked(calm_letters: Fleet) -> None:
    operator = Operator(calm_letters)
    await calm_letters.send("visit", [job(21, "v", what="fail")])
    await calm_letters.settled()
    replay = ("replay", "--topic", "visit", "--yes", "--wait", "60", "--max-replays", "2")
    outcomes = [operator.json(*replay, code=code) for code in (1, 1, 0)]

    assert [said["outcomes"] for said in outcomes] == [{"replaced": 1}, {"replaced": 1}, {}]
    assert outcomes[-1]["parked"] == 1
    (row,) = operator.json("list", "--topic", "visit")
    assert (row["letters"], row["parked"]) == (1, 1)
    (shown,) = operator.json("show", "--topic", "visit")
    assert (shown["replays"], shown["state"]) == (2, "parked")
    assert operator.json(*replay)["plan"]["left"] == {"parked for people (--parked)": 1}


@pytest.mark.long
async def test_a_replay_while_no_worker_runs_waits_and_is_handled_once(works: Fleet) -> None:
    operator = Operator(works)
    worker = works.start()
    await broken(works, *range(20))
    works.stop(worker)

    both = [operator.json("replay", "--yes"), operator.json("replay", "--again", "--yes")]

    assert [said["replayed"] for said in both] == [20, 20]
    (row,) = operator.json("list")
    assert (row["under_way"], row["open"]) == (20, 0)
    works.start()
    await works.settled()
    assert operator.waiting() == 0
    assert await done(works) == dict.fromkeys(range(20), 1)
    assert set(paid(works, *range(20))) == {1}


async def test_two_people_at_once_bring_each_letter_home_once(works: Fleet) -> None:
    operator = Operator(works)
    works.start()
    await broken(works, *range(50))
    await works.send("task", [(b"k", b"{ broken")])
    await works.settled()
    people = [operator.start("replay", "--yes", "--rate", "100") for _ in range(2)]
    said = [person.communicate(timeout=90)[0] for person in people]
    await works.settled()

    assert [person.returncode for person in people] == [0, 0], said
    assert await done(works) == dict.fromkeys(range(50), 1)
    (row,) = operator.json("list")
    assert (row["error"], row["letters"]) == ("undecodable", 1)


async def test_a_replay_that_is_killed_goes_on_where_it_was(works: Fleet) -> None:
    operator = Operator(works)
    works.start()
    await broken(works, *range(100))
    replay = operator.start("replay", "--yes", "--rate", "30")
    wait_until(lambda: len({n for n, *_ in works.lines("ship")}) >= 10, 60)
    replay.kill()
    replay.communicate(timeout=10)
    left = operator.waiting()
    # The open transaction of the dead one holds its partitions up for twenty seconds at most.
    said = operator.json("replay", "--yes", "--wait", "90")

    assert 0 < left < 100
    assert 0 < said["replayed"] < 100
    assert operator.waiting() == 0
    assert await done(works) == dict.fromkeys(range(100), 1)
    assert set(paid(works, *range(100))) == {1}


async def test_one_letter_is_edited_and_keeps_its_key_and_id(calm_letters: Fleet) -> None:
    operator = Operator(calm_letters)
    await broken(calm_letters, 31, what="twice")
    edit = ("replay", "--id", "31", "--yes", "--wait", "60")

    assert "changes the event's key" in operator(*edit, "--set", "who=bob", code=1)
    assert "changes the event's id" in operator(*edit, "--set", "n=32", code=1)
    assert "Not a Task" in operator(*edit, "--set", "who=[]", code=1)
    assert operator.json(*edit, "--set", "what=")["outcomes"] == {"done": 1}
    assert (await done(calm_letters))[31] == 1


async def test_exported_letters_are_exact_and_come_back(
    calm_letters: Fleet, tmp_path: Path
) -> None:
    operator = Operator(calm_letters)
    await calm_letters.send(
        "call", [(b"\xff", b"\xfe\x00"), (b"k", None)], headers=[("own", b"\xff")]
    )
    await calm_letters.settled()
    file = tmp_path / "letters.jsonl"
    operator("export", "--topic", "call", "--out", str(file))
    replay = ("replay", "--file", str(file), "--yes", "--wait", "60")

    assert file.stat().st_mode & 0o777 == 0o600
    assert operator.json(*replay, code=1)["outcomes"] == {"replaced": 2}
    letters = await calm_letters.letters("call")
    assert Counter((r.key, r.value) for r in letters) == {
        (b"\xff", b"\xfe\x00"): 2,
        (b"k", None): 2,
    }
    assert all(r.headers[0] == ("own", b"\xff") for r in letters)
    assert operator.json(*replay)["plan"]["left"] == {"closed: replaced": 2}
    assert operator.waiting("--topic", "call") == 2


@pytest.mark.long
async def test_purged_letters_are_gone_from_kafka_up_to_the_first_open_one(
    calm_letters: Fleet,
) -> None:
    operator = Operator(calm_letters)
    await calm_letters.send("hurry", [(b"a", b"1"), (b"a", b"2"), (b"a", b"3")])
    await calm_letters.settled()
    first, second, third = [
        f"{r.topic}:{r.partition}:{r.offset}" for r in await calm_letters.letters("hurry")
    ]
    purge = ("purge", "--topic", "hurry", "--yes")

    assert "--yes is needed" in operator("purge", "--topic", "hurry", code=2)
    operator(*purge, "--id", second)
    assert len(await calm_letters.letters("hurry")) == 3
    assert operator.waiting("--topic", "hurry") == 2
    operator(*purge, "--id", first)
    assert [f"{r.topic}:{r.partition}:{r.offset}" for r in await calm_letters.letters("hurry")] == [
        third
    ]
    operator(*purge)
    assert await calm_letters.letters("hurry") == []
    audits = [json.loads(r.value or b"") for r in await calm_letters.read("streamagents.audit")]
    assert [a["letters"] for a in audits if a["action"] == "dlq.purge"] == [1, 1, 1]


@pytest.mark.long
async def test_ctrl_c_says_how_far_it_got_and_the_rest_follows(works: Fleet) -> None:
    operator = Operator(works)
    works.start()
    await broken(works, *range(100))
    replay = operator.start("replay", "--yes", "--rate", "30")
    wait_until(lambda: len({n for n, *_ in works.lines("ship")}) >= 10, 60)
    replay.send_signal(signal.SIGINT)
    said, _ = replay.communicate(timeout=30)
    assert replay.returncode == 130, said
    assert "of 100 were replayed for sure. The same command goes on with the rest." in said
    assert "Traceback" not in said

    assert operator.json("replay", "--yes", "--wait", "60")["replayed"] > 0
    await works.settled()
    assert operator.waiting() == 0
    assert await done(works) == dict.fromkeys(range(100), 1)


@pytest.mark.long
async def test_a_broker_that_is_restarted_loses_and_repeats_nothing(
    own_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    own_broker.start()
    async with Fleet(own_broker.status().address, tmp_path, module=WORKS) as fleet:
        operator = Operator(fleet)
        fleet.start()
        await broken(fleet, *range(100))
        replay = operator.start("replay", "--yes", "--rate", "30")
        wait_until(lambda: len({n for n, *_ in fleet.lines("ship")}) >= 10, 60)
        own_broker.stop()
        own_broker.start()
        said, _ = replay.communicate(timeout=90)
        assert replay.returncode in {0, 1}, said
        assert "Traceback" not in said
        assert replay.returncode == 0 or "The same command goes on" in said, said

        operator("replay", "--yes", "--wait", "60")
        await fleet.settled()
        assert operator.waiting() == 0
        assert await done(fleet) == dict.fromkeys(range(100), 1)
        assert set(paid(fleet, *range(100))) == {1}
