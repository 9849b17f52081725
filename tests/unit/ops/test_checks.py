"""Checks: the rules behind `streamagents doctor`."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamagents.ops import checks
from streamagents.topics import ActualTopic, Change, TopicSpec

FOLDER = Path("/data")


def change(action: str, name: str = "lead") -> Change:
    spec = TopicSpec(name=name, partitions=4, replication=1)
    return Change(action=action, spec=spec, reason="has 8 partitions")  # type: ignore[arg-type] # of the four


@pytest.mark.parametrize(
    ("line", "level"),
    [
        (checks.of_disk(FOLDER, 100 << 30), "ok"),
        (checks.of_disk(FOLDER, 1 << 30), "warn"),
        (checks.of_disk(FOLDER, 1 << 20), "fail"),
        (checks.of_folder(FOLDER, ""), "ok"),
        (checks.of_folder(FOLDER, "Permission denied"), "fail"),
        (checks.of_key("anthropic", key=True), "ok"),
        (checks.of_key("anthropic", key=False), "fail"),
        (checks.of_key("rules", key=False), "warn"),
        (checks.of_key("replay", key=False), "ok"),
        (checks.of_clock(synchronized=True), "ok"),
        (checks.of_clock(synchronized=None), "ok"),
        (checks.of_clock(synchronized=False), "warn"),
        (checks.of_port("127.0.0.1", 6066, ""), "ok"),
        (checks.of_port("127.0.0.1", 0, ""), "ok"),
        (checks.of_port("127.0.0.1", 6066, "Address already in use"), "warn"),
        (checks.of_port("127.0.0.1", "off", ""), "warn"),
        (checks.of_topics([change("none")]), "ok"),
        (checks.of_topics([change("none"), change("configure")]), "warn"),
        (checks.of_topics([change("create"), change("configure")]), "fail"),
        (checks.of_topics([change("refuse")]), "fail"),
        (checks.of_replication(1, 1), "ok"),
        (checks.of_replication(3, 3), "ok"),
        (checks.of_replication(3, 1), "warn"),
        (checks.of_replication(1, 3), "fail"),
    ],
)
def test_what_is_found_has_a_level_and_whatever_is_not_ok_says_what_to_do(
    line: checks.Line, level: str
) -> None:
    assert line.level == level
    assert bool(line.advice) == (level != "ok")
    assert not line.says.endswith(".")


def test_an_address_that_others_reach_is_told() -> None:
    assert list(checks.of_bind("127.0.0.1")) == []
    assert [line.level for line in checks.of_bind("0.0.0.0")] == ["warn"]


def test_topics_that_keep_everything_are_told() -> None:
    actual = {
        "lead": ActualTopic(name="lead", partitions=4, config={"retention.ms": "-1"}),
        "mention": ActualTopic(name="mention", partitions=4, config={"retention.ms": "1000"}),
    }

    (line,) = checks.of_retention(["lead", "mention", "gone"], actual)
    assert (line.level, line.says.startswith("lead: nothing expires")) == ("warn", True)


def test_channels_that_may_reach_everybody_are_told() -> None:
    (line,) = checks.of_open(["http"])
    assert "'http' may reach everybody" in line.says


def test_the_worst_counts() -> None:
    ok, warn, fail = (checks.Line(level, "x", "y") for level in ("ok", "warn", "fail"))

    assert checks.worst([]) == "ok"
    assert checks.worst([ok, warn]) == "warn"
    assert checks.worst([fail, ok, warn]) == "fail"
