"""Notices of the operating system: they come, whatever a file is called, and end without a word."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from streamagents.triggers.files.notices import FolderNotices

if TYPE_CHECKING:
    from pathlib import Path

FAR_S = 20.0


async def seconds_until_noticed(notices: FolderNotices, folder: Path, name: bytes) -> float:
    """Drop a file; it may take a moment until somebody listens."""
    began = time.monotonic()
    for number in range(100):
        (folder / os.fsdecode(b"%d-%b" % (number, name))).touch()
        asked = time.monotonic()
        await notices.wait(0.5)
        if time.monotonic() - asked < 0.5:
            break
    return time.monotonic() - began


async def test_a_name_that_is_no_utf8_ends_no_notices(tmp_path: Path) -> None:
    async with FolderNotices(tmp_path, deep=False) as notices:
        assert await seconds_until_noticed(notices, tmp_path, b"a.csv") < FAR_S
        assert await seconds_until_noticed(notices, tmp_path, b"\xff\xfe.csv") < FAR_S
        assert await seconds_until_noticed(notices, tmp_path, b"b.csv") < FAR_S


async def test_a_folder_that_is_not_there_is_no_trouble(tmp_path: Path) -> None:
    async with FolderNotices(tmp_path / "gone", deep=True) as notices:
        await notices.wait(0.1)
