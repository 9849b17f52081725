"""Which files a pattern means."""

from __future__ import annotations

import pytest

from streamagents.triggers.files.patterns import Patterns


@pytest.mark.parametrize(
    ("pattern", "path", "meant"),
    [
        ("*", "a.csv", True),
        ("*.csv", "a.csv", True),
        ("*.csv", "a.CSV", False),
        ("*.csv", "a.csv.bak", False),
        ("*.csv", "sub/a.csv", False),
        ("**/*.csv", "a.csv", True),
        ("**/*.csv", "sub/deep/a.csv", True),
        ("**", "sub/a", True),
        ("sub/*.csv", "sub/a.csv", True),
        ("sub/*.csv", "sub/deep/a.csv", False),
        ("sub/**/*.csv", "sub/a.csv", True),
        ("sub/**/*.csv", "other/a.csv", False),
        ("[ab].csv", "b.csv", True),
        ("*", "two\nlines.csv", True),
        ("*", "\udcff.csv", True),
        ("*", ".hidden", False),
        ("**/*", ".git/config", False),
        ("*", "a.csv.part", False),
        ("*", "a.csv.TMP", False),
        ("*", "a.crdownload", False),
        ("*", "a.csv~", False),
        ("*", ".a.csv.swp", False),
        ("*.tmp", "a.tmp", False),
    ],
)
def test_a_pattern_means_finished_files_at_its_depth(
    pattern: str, path: str, *, meant: bool
) -> None:
    assert Patterns([pattern]).match(path) is meant


def test_only_patterns_with_a_slash_look_below() -> None:
    assert not Patterns(["*.csv", "*.json"]).deep
    assert Patterns(["*.csv", "**/*.json"]).deep
