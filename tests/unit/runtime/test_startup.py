"""What must be true before a worker consumes anything."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from streamagents.errors import ConfigurationError, TopicsError
from streamagents.runtime.startup import check_topics, take_folder
from streamagents.topics import ActualTopic
from support.commands import CHECKOUT
from support.topics import spec

if TYPE_CHECKING:
    from pathlib import Path

HOLDER = """
import pathlib, sys
from streamagents.runtime.startup import take_folder
print(take_folder(pathlib.Path(sys.argv[1]), "shop@c1"), flush=True)
sys.stdin.read()
"""


def there(name: str, partitions: int = 4, **config: str) -> ActualTopic:
    return ActualTopic(name=name, partitions=partitions, config=config)


def test_topics_as_they_should_be_are_fine() -> None:
    check_topics([spec("a"), spec("b")], {"a": there("a"), "b": there("b"), "c": there("c")})


def test_a_setting_that_differs_does_not_stop_a_worker() -> None:
    check_topics([spec("a", config={"retention.ms": "1"})], {"a": there("a")})


def test_missing_topics_are_named_with_the_remedy() -> None:
    with pytest.raises(TopicsError, match=r"2 .*\(a, b\).*streamagents topics apply"):
        check_topics([spec("a"), spec("b"), spec("c")], {"c": there("c")})


def test_of_many_missing_topics_some_are_named() -> None:
    with pytest.raises(TopicsError, match=r"\(t0, t1, t2, t3, t4, \.\.\.\)"):
        check_topics([spec(f"t{number}") for number in range(9)], {})


def test_another_number_of_partitions_is_refused_in_words() -> None:
    with pytest.raises(TopicsError, match=r"a has 3 partitions, the application wants 4.*declare"):
        check_topics([spec("a")], {"a": there("a", 3)})


def test_a_wrong_number_of_partitions_is_told_before_a_missing_topic() -> None:
    """`topics apply` would create the missing one and then refuse."""
    with pytest.raises(TopicsError, match="number of partitions"):
        check_topics([spec("a"), spec("b")], {"a": there("a", 3)})


def test_each_worker_takes_a_folder_of_its_own(tmp_path: Path) -> None:
    folders = [take_folder(tmp_path / "shop", "shop@c1") for _ in range(3)]

    assert folders == [tmp_path / "shop" / f"worker-{number}" for number in range(3)]
    assert all(folder.is_dir() for folder in folders)


def test_the_folder_of_a_killed_worker_is_free_again(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(CHECKOUT)},
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == str(tmp_path / "worker-0")
        assert take_folder(tmp_path, "shop@c1") == tmp_path / "worker-1"
        holder.kill()

    assert take_folder(tmp_path, "shop@c1") == tmp_path / "worker-0"


def test_the_state_of_another_cluster_is_refused(tmp_path: Path) -> None:
    (tmp_path / "worker-0").mkdir()
    (tmp_path / "worker-0" / "owner").write_text("shop@c1")

    with pytest.raises(ConfigurationError, match=r"state of shop@c1, this is shop@c2"):
        take_folder(tmp_path, "shop@c2")
    assert (tmp_path / "worker-0" / "owner").read_text() == "shop@c1"


def test_our_own_state_is_taken_again(tmp_path: Path) -> None:
    (tmp_path / "worker-0").mkdir()
    (tmp_path / "worker-0" / "owner").write_text("shop@c1")

    assert take_folder(tmp_path, "shop@c1") == tmp_path / "worker-0"


def test_a_folder_that_cannot_be_made_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(ConfigurationError, match=r"cannot be used.*STREAMAGENTS_DATA_DIR"):
        take_folder(tmp_path / "file", "shop@c1")


def test_a_lock_that_cannot_be_opened_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "worker-0" / "lock").mkdir(parents=True)

    with pytest.raises(ConfigurationError, match=r"cannot be used.*STREAMAGENTS_DATA_DIR"):
        take_folder(tmp_path, "shop@c1")


def test_an_owner_file_left_empty_by_a_kill_is_written_again(tmp_path: Path) -> None:
    (tmp_path / "worker-0").mkdir()
    (tmp_path / "worker-0" / "owner").touch()

    assert take_folder(tmp_path, "shop@c1") == tmp_path / "worker-0"
