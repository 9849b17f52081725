"""`streamagents dlq export`: letters into a file or a pipe, one a line."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from streamagents.cli.letters import open_desk
from streamagents.errors import StreamAgentsError
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
        StreamAgentsError: the broker did not answer, or the file could not be written to its end.
    """
    with _opened(out) as file:
        return asyncio.run(_export(settings, wanted, file, closed=closed))


async def _export(settings: Settings, wanted: Filter, file: TextIO, *, closed: bool) -> int:
    desk = await open_desk(settings, wanted.topic)
    number = 0
    async for letter in desk.letters(wanted, closed=closed):
        file.write(to_line(letter, desk.cluster) + "\n")
        number += 1
    file.flush()
    return number


@contextmanager
def _opened(out: Path | None) -> Iterator[TextIO]:
    """Where to write. A file is there when it is whole: until then an older one stays."""
    if out is None:
        yield sys.stdout
        return
    part = out if out.exists() and not out.is_file() else out.with_name(out.name + ".part")
    try:
        number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        if part is not out:
            os.fchmod(number, 0o600)  # one that a kill has left may be anybody's to read
    except OSError as exc:
        raise typer.BadParameter(f"{out} cannot be written: {exc.strerror}.") from exc
    try:
        with open(number, "w", encoding="utf-8") as file:  # noqa: PTH123 - it is a descriptor
            yield file
        if part is not out:
            part.replace(out)
    except BaseException as exc:  # Ctrl-C included: half of the letters look like all of them
        if part is not out:
            part.unlink(missing_ok=True)
        if isinstance(exc, OSError):
            raise StreamAgentsError(
                f"{out} cannot be written to its end: {exc.strerror}. Nothing was exported."
            ) from exc
        raise
