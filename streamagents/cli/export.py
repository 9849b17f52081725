"""`streamagents dlq export`: letters into a file or a pipe, one a line."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from streamagents.cli.letters import open_desk
from streamagents.review.exported import to_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

    from streamagents.review.filters import Filter
    from streamagents.settings import Settings


def run_export(settings: Settings, wanted: Filter, out: Path | None, *, closed: bool) -> int:
    """Export; how many letters.

    Raises:
        StreamAgentsError: the broker did not answer.
    """
    with _opened(out) as file:
        return asyncio.run(_export(settings, wanted, file, closed=closed))


async def _export(settings: Settings, wanted: Filter, file: TextIO, *, closed: bool) -> int:
    desk = await open_desk(settings, wanted.topic)
    number = 0
    async for letter in desk.letters(wanted, closed=closed):
        file.write(to_line(letter) + "\n")
        number += 1
    file.flush()
    return number


@contextmanager
def _opened(out: Path | None) -> Iterator[TextIO]:
    if out is None:
        yield sys.stdout
        return
    try:
        number = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as exc:
        raise typer.BadParameter(f"{out} cannot be written: {exc.strerror}.") from exc
    with open(number, "w", encoding="utf-8") as file:  # noqa: PTH123 - it is a descriptor
        yield file
