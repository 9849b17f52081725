"""The watch over a real folder: what becomes of each file, and what never happens."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import resource
import socket
from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from streamagents.errors import ConfigurationError, TopicsError
from streamagents.testing import MemoryBus
from streamagents.topics import INBOX
from streamagents.triggers.files.ledger import SentFiles
from streamagents.triggers.files.reading import OpenedFile
from streamagents.triggers.files.scan import Look, look_of
from support import wait_until_async
from support.folders import Cursed, Order, Scan, watched

if TYPE_CHECKING:
    from pathlib import Path

GOOD = "customer,amount\nann,1\nbob,2\n"


async def test_each_row_of_a_csv_is_one_event_under_an_id_of_path_and_content(
    tmp_path: Path,
) -> None:
    with watched(tmp_path) as it:
        it.drop("a.csv", GOOD)
        await it.settle()

    assert it.data() == [
        {"customer": "ann", "amount": "1"},
        {"customer": "bob", "amount": "2"},
    ]
    assert sorted(it.ids()) == [f"a.csv:5453b3545f5d529b46498078340593c2:{n}" for n in (1, 2)]
    headers = dict(it.records()[0].headers)
    assert headers["ce_source"] == b"files/inbox"
    assert headers["ce_type"] == b"order"
    assert headers["traceparent"].startswith(b"00-")
    assert {record.key for record in it.records()} == {b"ann", b"bob"}


async def test_a_file_is_sent_once_and_not_again_after_a_restart(tmp_path: Path) -> None:
    with watched(tmp_path) as it:
        it.drop("a.csv", GOOD)
        await it.settle()
        await it.settle()
    with watched(tmp_path, bus=it.bus) as again:
        await again.settle()

    assert len(it.records()) == 2


async def test_whoever_dies_before_the_ledger_is_written_sends_the_same_ids_again(
    tmp_path: Path,
) -> None:
    with watched(tmp_path) as it:
        it.drop("a.csv", GOOD)
        await it.settle()
    (tmp_path / "ledger.db").unlink()
    with watched(tmp_path, bus=it.bus) as again:
        await again.settle()

    assert len(it.ids()) == 4
    assert len(set(it.ids())) == 2


async def test_a_file_that_is_only_touched_is_no_event(tmp_path: Path) -> None:
    with watched(tmp_path) as it:
        file = it.drop("a.csv", GOOD)
        await it.settle()
        os.utime(file, (1, 1))
        await it.settle()

    assert len(it.records()) == 2


async def test_new_content_under_the_same_name_is_new(tmp_path: Path) -> None:
    with watched(tmp_path) as it:
        it.drop("a.csv", GOOD)
        await it.settle()
        it.drop("a.csv", GOOD.replace("ann", "eve"))
        await it.settle()

    assert len(set(it.ids())) == 4


async def test_a_file_that_grows_waits_until_it_stays_as_it_is(tmp_path: Path) -> None:
    with watched(tmp_path) as it:
        for rows in range(1, 6):
            it.drop("a.csv", "customer,amount\n" + "ann,1\n" * rows)
            await it.look()
            it.clock.advance(it.settle_s * 0.9)
            await it.look()
        assert it.records() == []
        it.clock.advance(it.settle_s)
        await it.look()

    assert len(it.records()) == 5


async def test_a_file_that_somebody_has_open_for_writing_waits(tmp_path: Path) -> None:
    with watched(tmp_path) as it:
        file = it.drop("a.csv", GOOD)
        with file.open("a") as writing:
            await it.settle()
            await it.settle()
            assert it.records() == []
            writing.write("cid,3\n")
        await it.settle()

    assert len(it.records()) == 3


async def test_a_file_that_changes_while_it_is_read_is_not_sent_in_halves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watched(tmp_path) as it:
        file = it.drop("a.csv", GOOD)
        real = OpenedFile.check
        changed: list[bool] = []

        def check(opened: OpenedFile) -> None:
            if not changed:
                changed.append(True)
                file.write_text(GOOD + "cid,3\n")
            real(opened)

        monkeypatch.setattr(OpenedFile, "check", check)
        await it.settle()
        assert it.records() == []
        await it.settle()

    assert len(it.records()) == 3


async def test_written_elsewhere_and_renamed_is_whole_at_once(tmp_path: Path) -> None:
    with watched(tmp_path) as it:
        draft = it.drop("a.csv.tmp", GOOD)
        await it.settle()
        draft.rename(draft.with_name("a.csv"))
        await it.settle()

    assert len(it.records()) == 2


async def test_what_is_no_regular_file_of_the_folder_is_left_alone(tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text(GOOD)
    with watched(tmp_path, patterns=["*.csv", "**/*.csv"]) as it:
        (it.root / "folder.csv").mkdir()
        os.mkfifo(it.root / "pipe.csv")
        it.drop("empty.csv", "")
        it.drop(".hidden.csv", GOOD)
        (it.root / "link.csv").symlink_to(outside)
        (it.root / "nothing.csv").symlink_to(it.root / "nowhere")
        (it.root / "circle.csv").symlink_to(it.root / "circle.csv")
        (it.root / "up").symlink_to(tmp_path, target_is_directory=True)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(it.root / "s.csv"))
            await it.settle()

    assert it.records() == []


async def test_a_link_inside_of_the_folder_is_a_file(tmp_path: Path) -> None:
    with watched(tmp_path) as it:
        real = it.drop("sub/real.csv", GOOD)
        (it.root / "link.csv").symlink_to(real)
        await it.settle()

    assert len(it.records()) == 2


async def test_subfolders_are_looked_at_by_choice(tmp_path: Path) -> None:
    with watched(tmp_path, patterns=["**/*.csv"]) as it:
        it.drop("sub/deep/a.csv", GOOD)
        await it.settle()

    assert {id_.split(":")[0] for id_ in it.ids()} == {"sub/deep/a.csv"}


@pytest.mark.parametrize("name", [b"two\nlines.csv", b"\xff\xfe.csv", "ä ö.csv".encode()])
async def test_any_name_that_a_file_system_takes_gives_an_id(tmp_path: Path, name: bytes) -> None:
    with watched(tmp_path, done="done") as it:
        (it.root / os.fsdecode(name)).write_text(GOOD)
        await it.settle()

    assert len(it.records()) == 2
    assert all(id_.isprintable() for id_ in it.ids())
    assert [os.fsencode(file.name) for file in (it.root / "done").iterdir()] == [name]


async def test_done_files_move_and_are_not_watched(tmp_path: Path) -> None:
    with watched(tmp_path, patterns=["**/*.csv"], done="done", failed="failed") as it:
        it.drop("a.csv", GOOD)
        it.drop("sub/b.csv", GOOD)
        await it.settle()
        await it.settle()

    assert it.files() == ["done/a.csv", "done/sub/b.csv"]
    assert len(it.records()) == 4


async def test_a_second_file_of_the_name_gets_a_number(tmp_path: Path) -> None:
    with watched(tmp_path, done="done") as it:
        for customer in ("ann", "bob", "cid"):
            it.drop("a.csv", f"customer,amount\n{customer},1\n")
            await it.settle()

    assert it.files() == ["done/a.1.csv", "done/a.2.csv", "done/a.csv"]
    assert len(it.records()) == 3


async def test_the_same_file_again_is_moved_and_not_sent(tmp_path: Path) -> None:
    with watched(tmp_path, done="done") as it:
        for _ in range(2):
            it.drop("a.csv", GOOD)
            await it.settle()

    assert it.files() == ["done/a.1.csv", "done/a.csv"]
    assert len(it.records()) == 2


async def test_whoever_dies_before_the_move_moves_after_the_restart(tmp_path: Path) -> None:
    with watched(tmp_path) as it:
        it.drop("a.csv", GOOD)
        await it.settle()
    with watched(tmp_path, bus=it.bus, done="done") as again:
        await again.look()

    assert again.files() == ["done/a.csv"]
    assert len(it.records()) == 2


async def test_bad_rows_are_written_down_and_the_others_are_sent(tmp_path: Path) -> None:
    with watched(tmp_path, done="done", failed="failed") as it:
        it.drop("a.csv", "customer,amount\nann,1\nbob,much\ncid\ndan,4\n")
        await it.settle()

    assert [data["customer"] for data in it.data()] == ["ann", "dan"]
    assert {id_.rpartition(":")[2] for id_ in it.ids()} == {"1", "4"}
    (rejects,) = [name for name in it.files() if name.startswith("failed/")]
    assert rejects.endswith(".rejects.jsonl")
    told = [json.loads(line) for line in (it.root / rejects).read_text().splitlines()]
    assert [(row["row"], row["line"]) for row in told] == [(2, 3), (3, 4)]
    assert "amount" in told[0]["reason"]
    assert told[0]["data"] == {"customer": "bob", "amount": "much"}
    assert told[1]["text"] == "cid"
    assert "done/a.csv" in it.files()


async def test_a_number_that_json_does_not_have_rejects_one_row(tmp_path: Path) -> None:
    row = '{"customer": "ann", "amount": 1, "more": %s}\n'
    with watched(tmp_path, failed="failed") as it:
        it.drop("a.jsonl", "".join(row % number for number in ("1", "NaN", "-Infinity", "1e999")))
        await it.settle()

    assert [data["more"] for data in it.data()] == [1]
    (rejects,) = [name for name in it.files() if name.startswith("failed/")]
    told = [
        json.loads(line, parse_constant=lambda _: pytest.fail("no reader takes it"))
        for line in (it.root / rejects).read_text().splitlines()
    ]
    assert [line["row"] for line in told] == [2, 3, 4]
    assert told[0]["text"].endswith('"more": NaN}')


async def test_a_file_of_bad_rows_alone_fails_with_a_reason_beside_it(tmp_path: Path) -> None:
    with watched(tmp_path, done="done", failed="failed") as it:
        it.drop("a.csv", "customer,amount\nbob,much\ncid\n")
        await it.settle()

    assert it.records() == []
    assert "failed/a.csv" in it.files()
    reason = (it.root / "failed/a.csv.reason").read_text()
    assert reason.startswith("None of its 2 rows is such an event; line 2: ")
    assert "much" not in reason


async def test_a_file_that_fails_and_stays_is_not_tried_again_before_it_changes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with watched(tmp_path) as it:
        it.drop("a.csv", "customer\n")
        it.drop("b.json", "{nope")
        await it.settle()
        await it.settle()
        assert it.records() == []
        it.drop("b.json", '{"customer": "ann", "amount": 3}')
        await it.settle()

    assert it.data() == [{"customer": "ann", "amount": 3}]


async def test_encodings(tmp_path: Path) -> None:
    text = "customer;amount\nJörg;1\n"
    with watched(tmp_path, encoding="cp1252", patterns=["*.csv"]) as it:
        it.drop("bom.csv", text.encode("utf-8-sig"))
        it.drop("utf16.csv", text.encode("utf-16"))
        it.drop("utf32.csv", text.encode("utf-32"))
        it.drop("plain.csv", text.encode())
        it.drop("old.csv", text.encode("cp1252"))
        await it.settle()

    assert it.data() == [{"customer": "Jörg", "amount": "1"}] * 5


@pytest.mark.parametrize("codec", ["latin-1", "utf-16-le"])
async def test_an_encoding_that_nobody_named_is_refused_and_nothing_is_sent(
    tmp_path: Path, codec: str
) -> None:
    with watched(tmp_path, failed="failed") as it:
        it.drop("a.csv", ("customer,amount\n" + "ann,1\n" * 3000 + "Jörg,1\n").encode(codec))
        await it.settle()

    assert it.records() == []
    assert "name its encoding" in (it.root / "failed/a.csv.reason").read_text()


async def test_json_lines_a_field_map_and_a_function(tmp_path: Path) -> None:
    lines = '{"who": {"mail": "ann"}, "sum": 3}\n{"who": {"mail": "bob"}, "sum": 4}\n'
    mapped = {"customer": "who.mail", "amount": "sum", "note": "'from a file'"}
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with watched(tmp_path / "one", fields=mapped) as it:
        it.drop("a.jsonl", lines)
        await it.settle()
    assert it.data()[0] == {"customer": "ann", "amount": 3, "note": "from a file"}

    def big(row: dict[str, object]) -> Order | None:
        if row["sum"] == 3:
            return None
        return Order(customer="big", amount=float(str(row["sum"])))

    with watched(tmp_path / "two", fields=big) as it:
        it.drop("a.jsonl", lines + '{"no": "sum"}\n')
        await it.settle()
    assert it.data() == [{"customer": "big", "amount": 4.0, "note": None}]


async def test_other_files_are_told_of_with_their_content(tmp_path: Path) -> None:
    with watched(tmp_path, to=Scan) as it:
        it.drop("note.txt", "hello")
        it.drop("photo.jpg", b"\xff\xd8\x00")
        it.drop("huge.bin", b"\0" * (5 << 20))
        await it.settle()

    told = {data["name"]: data for data in it.data()}
    assert told["note.txt"]["text"] == "hello"
    assert told["photo.jpg"]["content_base64"] == "/9gA"
    assert told["huge.bin"]["size"] == 5 << 20
    assert "text" not in told["huge.bin"]
    assert "content_base64" not in told["huge.bin"]


async def test_a_type_that_nobody_registered_goes_to_the_inbox(tmp_path: Path) -> None:
    with watched(tmp_path, to="strange") as it:
        it.drop("a.json", '{"a": 1}')
        await it.settle()

    (record,) = it.bus.records(INBOX)
    assert dict(record.headers)["ce_type"] == b"strange"


async def test_a_row_that_fits_into_no_record_is_rejected(tmp_path: Path) -> None:
    with watched(tmp_path, failed="failed") as it:
        big = json.dumps({"customer": "big", "amount": 1, "note": "x" * (6 << 20)})
        it.drop("a.jsonl", f'{big}\n{{"customer": "ann", "amount": 1}}\n')
        await it.settle()

    assert [data["customer"] for data in it.data()] == ["ann"]


async def test_a_broker_that_takes_less_than_we_think_refuses_one_row(tmp_path: Path) -> None:
    small = MemoryBus({"order": 1}, max_record_bytes=100)
    with watched(tmp_path, bus=small) as it:
        it.topics = ["order"]
        it.drop("a.csv", f"customer,amount,note\nann,1,\nbob,2,{'x' * 200}\ncid,3,\n")
        await it.settle()

    assert {data["customer"] for data in it.data()} == {"ann", "cid"}


async def test_a_broker_that_is_away_is_waited_for_and_nothing_is_moved(tmp_path: Path) -> None:
    with watched(tmp_path, done="done") as it:
        it.drop("a.csv", GOOD)
        it.bus.available = False
        await it.look()
        it.clock.advance(it.settle_s)
        looking = asyncio.create_task(it.look())
        for _ in range(3):
            await wait_until_async(lambda: it.clock.next_wake_s is not None)
            assert it.files() == ["a.csv"]
            it.clock.advance(1)
            await asyncio.sleep(0)
        await wait_until_async(lambda: it.clock.next_wake_s is not None)
        it.bus.available = True
        it.clock.advance(1)
        await looking

    assert it.files() == ["done/a.csv"]
    assert len(it.records()) == 2


async def test_a_topic_that_is_missing_ends_it(tmp_path: Path) -> None:
    with watched(tmp_path, bus=MemoryBus({})) as it:
        it.drop("a.csv", GOOD)
        with pytest.raises(TopicsError, match="topics apply"):
            await it.settle()


async def test_a_file_that_vanishes_before_it_is_read_is_nothing(tmp_path: Path) -> None:
    with watched(tmp_path) as it:
        file = it.drop("a.csv", GOOD)
        await it.look()
        it.clock.advance(it.settle_s)
        found = await it.watch._scanned()
        assert found is not None
        file.unlink()
        await it.watch._handle("a.csv", found["a.csv"])

    assert it.records() == []


async def test_a_file_that_cannot_be_read_is_tried_again_ever_more_rarely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[float] = []
    real = OpenedFile.__init__

    def opened(self: OpenedFile, path: Path) -> None:
        tries.append(it.clock.monotonic())
        if len(tries) < 4:
            raise PermissionError(13, "Permission denied")
        real(self, path)

    monkeypatch.setattr(OpenedFile, "__init__", opened)
    with watched(tmp_path) as it:
        it.drop("a.csv", GOOD)
        wait_s = await it.look()
        for _ in range(4):
            it.clock.advance(wait_s)
            wait_s = await it.look()

    assert [later - sooner for sooner, later in pairwise(tries)] == [1, 2, 4]
    assert len(it.records()) == 2


async def test_a_folder_that_goes_away_and_comes_back_sends_nothing_again(tmp_path: Path) -> None:
    with watched(tmp_path) as it:
        it.drop("a.csv", GOOD)
        await it.settle()
        it.root.rename(tmp_path / "away")
        assert await it.look() == 5
        assert it.watch.gone == "No such file or directory"
        (tmp_path / "away").rename(it.root)
        await it.settle()

    assert len(it.records()) == 2
    assert it.watch.gone == ""


async def test_files_are_sent_the_oldest_first(tmp_path: Path) -> None:
    with watched(tmp_path, bus=MemoryBus({"order": 1})) as it:
        it.topics = ["order"]
        for age, name in enumerate(["c", "a", "b"]):
            os.utime(it.drop(f"{name}.csv", f"customer,amount\n{name},1\n"), (age, age))
        await it.settle()

    assert [json.loads(r.value or b"")["customer"] for r in it.records()] == ["c", "a", "b"]


async def test_a_large_file_is_sent_in_order_and_in_batches(tmp_path: Path) -> None:
    with watched(tmp_path, bus=MemoryBus({"order": 1})) as it:
        it.topics = ["order"]
        rows = "".join(f"c{n},{n}\n" for n in range(3000))
        it.drop("a.csv", "customer,amount\n" + rows)
        await it.settle()

    sent = [json.loads(record.value or b"")["amount"] for record in it.records()]
    assert sent == [str(n) for n in range(3000)]


async def test_one_folder_has_one_watcher(tmp_path: Path) -> None:
    with watched(tmp_path), pytest.raises(ConfigurationError, match="by another process"):
        watched(tmp_path).__enter__()


async def test_a_damaged_ledger_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"no database at all" * 100)

    with pytest.raises(ConfigurationError, match=r"ledger\.db cannot be read .*: delete it"):
        watched(tmp_path).__enter__()


def test_a_ledger_on_a_full_disk_is_not_to_be_deleted(tmp_path: Path) -> None:
    with SentFiles(tmp_path / "drop.db"):
        pass
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for left in tmp_path.glob("drop.db?*"):
        left.unlink()
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        with pytest.raises(ConfigurationError) as told, SentFiles(tmp_path / "drop.db"):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert "delete" not in str(told.value)
    assert "STREAMAGENTS_DATA_DIR" in str(told.value)


async def test_a_file_that_cannot_be_moved_is_sent_once(tmp_path: Path) -> None:
    with watched(tmp_path, done="done") as it:
        it.drop("a.csv", GOOD)
        (it.root / "done").write_text("")
        for _ in range(3):
            await it.settle()
        (it.root / "done").unlink()
        it.clock.advance(60)
        await it.look()

    assert len(it.records()) == 2
    assert it.files() == ["done/a.csv"]


async def test_a_list_of_rejects_that_cannot_be_written_holds_nothing_up(tmp_path: Path) -> None:
    with watched(tmp_path, failed="failed") as it:
        (it.root / "failed").write_text("")
        it.drop("a.csv", "customer,amount\nann,1\nbob\n")
        for _ in range(3):
            await it.settle()

    assert [data["customer"] for data in it.data()] == ["ann"]


async def test_who_stops_in_the_middle_of_a_file_leaves_nothing_half_open(tmp_path: Path) -> None:
    with watched(tmp_path) as it:
        it.drop("a.csv", "customer,amount\n" + "ann,1\n" * 5000)
        await it.look()
        it.clock.advance(it.settle_s)
        looking = asyncio.create_task(it.look())
        await wait_until_async(it.records)
        looking.cancel()
        await asyncio.wait([looking], timeout=10)
        assert looking.cancelled()
        await it.settle()

    assert len(set(it.ids())) == 5000


async def test_files_that_are_known_are_not_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watched(tmp_path, to="strange") as it:
        for n in range(200):
            it.drop(f"{n}.json", f'{{"n": {n}}}')
        await it.settle()

        def opened(self: OpenedFile, path: Path) -> None:
            raise AssertionError(path)

        monkeypatch.setattr(OpenedFile, "__init__", opened)
        await it.settle()

    assert len(it.records()) == 200


async def test_a_tree_of_any_depth_is_looked_through(tmp_path: Path) -> None:
    with watched(tmp_path, patterns=["**/*.csv"]) as it:
        it.drop("d/a.csv", GOOD)
        at = os.open(it.root, os.O_RDONLY)
        for _ in range(600):
            os.mkdir("d0", dir_fd=at)
            inner = os.open("d0", os.O_RDONLY, dir_fd=at)
            os.close(at)
            at = inner
        os.close(at)
        await it.settle()

    assert len(it.records()) == 2


async def test_a_date_and_a_number_beyond_what_the_ledger_counts_are_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some network file systems number their files up to 2**64."""

    def looked_at(told: os.stat_result) -> Look:
        fields = SimpleNamespace(
            st_size=told.st_size, st_mtime_ns=1 << 64, st_ino=told.st_ino | 1 << 63
        )
        return look_of(cast("os.stat_result", fields))

    monkeypatch.setattr("streamagents.triggers.files.scan.look_of", looked_at)
    monkeypatch.setattr("streamagents.triggers.files.reading.look_of", looked_at)
    with watched(tmp_path, to=Scan) as it:
        it.drop("a.txt", "text")
        await it.settle()
    with watched(tmp_path, bus=it.bus, to=Scan) as again:
        await again.settle()

    assert len(it.records()) == 1


async def test_what_is_told_of_a_file_can_be_compared_and_written(tmp_path: Path) -> None:
    with watched(tmp_path, to=Scan, done="done") as it:
        it.drop(os.fsdecode(b"caf\xe9.txt"), "hello")
        await it.settle()

    (told,) = it.data()
    assert told["sha256"] == hashlib.sha256(b"hello").hexdigest()
    assert (told["path"], told["name"]) == ("caf\\xe9.txt", "caf\\xe9.txt")


async def test_a_model_whose_own_validator_breaks_rejects_one_row(tmp_path: Path) -> None:
    with watched(tmp_path, failed="failed", to=Cursed) as it:
        it.drop("a.csv", GOOD)
        await it.settle()

    assert it.data() == [{"customer": "bob", "amount": "2"}]
    (rejects,) = (it.root / "failed").iterdir()
    reason = json.loads(rejects.read_text())["reason"]
    assert reason == "The data cannot be checked: the model of 'cursed' raised KeyError."
