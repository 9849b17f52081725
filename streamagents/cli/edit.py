"""Editing one letter by hand: by options, or in the editor that a person has chosen."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import typer

from streamagents.cli.letters import readable
from streamagents.errors import EventError, StreamAgentsError, UndecodableError
from streamagents.review.editing import text_of, with_data, with_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streamagents.review.letter import Letter
    from streamagents.review.plan import Send


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What is to become of one letter's data."""

    in_editor: bool = False
    changes: tuple[str, ...] = ()
    data: str | None = None

    @property
    def wanted(self) -> bool:
        """Whether anything is to be changed."""
        return self.in_editor or bool(self.changes) or self.data is not None

    def of(self, letter: Letter, check: Callable[[Letter], Send]) -> tuple[Letter, Send]:
        """The letter as it is to be, and where it goes.

        Args:
            letter: as it is.
            check: says where an edited letter goes, or refuses it.

        Raises:
            StreamAgentsError: the edit is refused, or nothing was changed.
        """
        if self.in_editor:
            return _edit_until_it_fits(letter, check)
        data = with_fields(letter, self.changes) if self.changes else _given(self.data or "")
        edited = with_data(letter, data)
        return edited, check(edited)


def _edit_until_it_fits(letter: Letter, check: Callable[[Letter], Send]) -> tuple[Letter, Send]:
    """What a person wrote is not thrown away for a comma: it is offered again."""
    if not sys.stdin.isatty():
        raise typer.BadParameter("without a terminal to edit on, use --set or --data")
    before = text = text_of(letter).encode()
    while True:
        text = _in_editor(text)
        if text.strip() == before.strip():
            raise StreamAgentsError("Nothing was changed: the letter stays as it is.")
        try:
            edited = with_data(letter, text)
            return edited, check(edited)
        except EventError as exc:
            typer.echo(exc, err=True)
            typer.confirm("Edit again?", default=True, abort=True, err=True)


def _in_editor(text: bytes) -> bytes:
    """A text as it comes back from the editor.

    Raises:
        StreamAgentsError: there is no such editor, or it says that it failed.
    """
    import click  # noqa: PLC0415 - only here; typer has no editor

    # A folder that only its owner can look into, as editors leave copies beside their file.
    with TemporaryDirectory(prefix="streamagents-") as folder:
        file = Path(folder) / "letter.json"
        file.write_bytes(text)
        with _left_to_the_editor() as interrupts:
            try:
                click.edit(filename=str(file))
                return file.read_bytes()
            except (click.ClickException, ValueError, OSError) as exc:
                if interrupts:
                    raise KeyboardInterrupt from exc
                why = exc.format_message() if isinstance(exc, click.ClickException) else str(exc)
                raise StreamAgentsError(
                    f"The editor failed ({why}), the letter stays as it is: set EDITOR, or use "
                    "--set or --data."
                ) from exc


@contextmanager
def _left_to_the_editor() -> Iterator[list[int]]:
    """While an editor runs, Ctrl-C is meant for it; how often it was pressed."""
    interrupts: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number))
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)


def _given(data: str) -> bytes:
    if data == "-":
        value = sys.stdin.buffer.read()
    elif data.startswith("@"):
        value = readable(Path(data[1:])).read_bytes()
    else:
        value = data.encode(errors="surrogateescape")
    if not value.strip():
        raise UndecodableError("There is no data: an event's data is a JSON object.")
    return value
