"""Letters by hand, where a person or their machine does something odd: a sentence, and no harm."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from support.letters import Operator, lay
from support.terminal import CTRL_C
from support.topics import create_topics, spec

if TYPE_CHECKING:
    from pathlib import Path

    from support.workers import Fleet

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

LARGE = json.dumps({"n": 2, "who": "ann", "what": "x" * (1 << 20)}).encode()
BINARY = bytes(range(256)) * 4096
HOSTILE = b"\x1b[2J\x1b]0;owned\x07"


@pytest.fixture(scope="module")
def operator(post: Fleet) -> Operator:
    """Letters that are large, binary, hostile, none at all, and two of one id."""
    twins = [b'{"n": 1, "who": "ann"}'] * 2
    asyncio.run(lay(post, *twins, LARGE, BINARY, HOSTILE, b"[" * 100_000, b"", None))
    return Operator(post)


async def test_large_binary_and_hostile_payloads_are_harmless_in_every_command(
    operator: Operator, tmp_path: Path, post: Fleet
) -> None:
    file = tmp_path / "letters.jsonl"
    assert [row["letters"] for row in operator.json("list")] == [8]
    page = operator("show", "--limit", "8")
    operator("export", "--out", str(file))
    plans = [
        operator.json("replay", "--dry-run"),
        operator.json("replay", "--dry-run", "--file", str(file)),
    ]

    assert "\x1b" not in page
    assert "1,048,576 bytes, no text" in page
    assert len(page) < 60_000
    assert [said["plan"]["replay"] for said in plans] == [8, 8]
    assert len(file.read_bytes()) > 2 << 20
    assert await post.read("task") == []


def test_an_id_of_several_letters_is_too_many_for_an_edit(operator: Operator) -> None:
    said = operator("replay", "--id", "1", "--set", "who=ann", "--yes", code=1)

    assert "An edit is for one letter, 2 are meant: name it with --id." in said


def test_a_disk_that_is_full_is_told_and_leaves_the_older_file(
    operator: Operator, tmp_path: Path
) -> None:
    older = tmp_path / "letters.jsonl"
    older.write_text("older")
    # What one file of the process may hold, in blocks of 512 bytes.
    full = operator.shell(f"trap '' XFSZ; ulimit -f 100; $DLQ export --out {older}")
    gone = operator.shell("$DLQ export > /dev/full")

    assert full.returncode == gone.returncode == 1
    assert f"{older} cannot be written to its end: File too large." in full.stdout
    assert "found no room: No space left on device." in gone.stdout
    assert "Traceback" not in full.stdout + gone.stdout
    assert [path.read_text() for path in tmp_path.iterdir()] == ["older"]


@pytest.mark.parametrize("command", ["export", "show --limit 8", "list"])
def test_who_has_read_enough_may_go(operator: Operator, command: str) -> None:
    done = operator.shell(f"$DLQ {command} | head -c 20")

    assert done.returncode == 0
    assert "Traceback" not in done.stdout
    assert "Exception" not in done.stdout


async def test_a_file_that_is_cut_or_of_another_cluster_sends_nothing(
    operator: Operator, tmp_path: Path, post: Fleet
) -> None:
    file = tmp_path / "letters.jsonl"
    operator("export", "--id", "1", "--out", str(file))
    whole = file.read_bytes()
    replay = ("replay", "--file", str(file), "--yes")
    file.write_bytes(whole[:-20])
    cut = operator(*replay, code=1)
    file.write_bytes(whole.replace(b'"cluster":"', b'"cluster":"not-'))
    other = operator(*replay, code=1)

    assert f"Line 2 of {file} is no letter that `streamagents dlq export` has written." in cut
    assert f"Line 1 of {file} is a letter of another cluster, 'not-" in other
    assert await post.read("task") == []


@pytest.mark.parametrize(("answer", "code", "left"), [(CTRL_C, 1, 2), ("y\n", 0, 1)])
async def test_what_comes_while_a_person_is_asked_is_not_purged_unseen(
    operator: Operator, post: Fleet, answer: str, code: int, left: int
) -> None:
    topic = f"fussy{code}"
    names = (topic, f"{topic}.dlq")
    await create_topics(post.bootstrap, *(spec(post.topic(name)) for name in names))
    await lay(post, b"1", topic=topic)
    with operator.sit("purge", "--topic", topic) as terminal:
        terminal.until("Close 1 letters for good")
        await lay(post, b"2", topic=topic)
        terminal.type(answer)
        assert terminal.ended() == code, terminal.said

    assert operator.waiting("--topic", topic) == left
