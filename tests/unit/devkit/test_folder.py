from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from streamagents.devkit.folder import exclusive, unwritable
from streamagents.errors import DevkitError


def test_the_second_holder_is_told_who_is_busy(tmp_path: Path) -> None:
    lock = tmp_path / "new" / "kafka.lock"
    with (
        exclusive(lock, 1, what="the first"),
        pytest.raises(DevkitError, match=r"busy with the second for more than 0\.1 s"),
        exclusive(lock, 0.1, what="the second"),
    ):
        pytest.fail("both held it")


def test_the_lock_is_free_after_its_holder(tmp_path: Path) -> None:
    lock = tmp_path / "kafka.lock"
    for _ in range(2):
        with exclusive(lock, 0, what="nothing"):
            assert lock.exists()


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "is full: free some space"),
        (errno.EDQUOT, "is full: free some space"),
        (errno.EACCES, "Permission denied.*STREAMAGENTS_DATA_DIR"),
        (errno.EROFS, "Read-only file system"),
    ],
)
def test_a_folder_that_cannot_be_written_says_why(number: int, said: str) -> None:
    sentence = unwritable(Path("/data"), OSError(number, os.strerror(number)))
    assert re.search(said, sentence)
