from __future__ import annotations

from pathlib import Path

import pytest

from streamagents.devkit.properties import LARGEST_BATCH_BYTES, parse, render, settings, written


def rendered(*, storage: str = "/data/kafka", fsync: bool = False) -> dict[str, str]:
    return parse(render(port=9092, controller_port=40001, storage=Path(storage), fsync=fsync))


def test_the_broker_listens_on_loopback_only() -> None:
    properties = rendered()
    assert properties["listeners"] == "BROKER://127.0.0.1:9092,CONTROLLER://127.0.0.1:40001"
    assert properties["advertised.listeners"] == "BROKER://127.0.0.1:9092"
    assert properties["controller.quorum.voters"] == "1@127.0.0.1:40001"


@pytest.mark.parametrize(
    ("fsync", "name", "value", "absent"),
    [
        (True, "log.flush.interval.messages", "1", "log.flush.interval.ms"),
        (False, "log.flush.interval.ms", "1000", "log.flush.interval.messages"),
    ],
)
def test_fsync_flushes_every_write(*, fsync: bool, name: str, value: str, absent: str) -> None:
    properties = rendered(fsync=fsync)
    assert properties[name] == value
    assert absent not in properties


def test_a_seven_mebibyte_letter_fits() -> None:
    assert LARGEST_BATCH_BYTES > 7 * 1024 * 1024 + 100_000
    assert rendered()["message.max.bytes"] == str(LARGEST_BATCH_BYTES)


@pytest.mark.parametrize(
    ("path", "written"),
    [("/a b", "/a b"), ("/a\\b", "/a\\\\b"), ("/Büro", "/B\\u00fcro"), ("/🐙", "/\\ud83d\\udc19")],
)
def test_a_path_is_written_as_java_reads_it(path: str, written: str) -> None:
    assert rendered(storage=path)["log.dirs"] == written


def test_only_pairs_are_read() -> None:
    assert parse("#a=1\n\nversion = 1\nnonsense\ncluster.id=k=k\n") == {
        "version": "1",
        "cluster.id": "k=k",
    }


def test_the_settings_may_be_changed_before_they_are_written() -> None:
    named = settings(port=9092, controller_port=40001, storage=Path("/data"), fsync=False)
    assert parse(written({**named, "node.id": "2"})) == {**named, "node.id": "2"}
