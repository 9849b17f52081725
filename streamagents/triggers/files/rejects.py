"""Rejects: rows of a file that are no events, written down for a person."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Self

import structlog

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from streamagents.triggers.files.rows import Row

log = structlog.stdlib.get_logger("streamagents.triggers")

_TOLD = 10
"""Rows that the log names, where no file takes them."""


class Rejects:
    """Takes the rejected rows of one file. A context manager; `keep` makes its file appear.

    Args:
        place: where they are to be; None is the log.
        shown: the file's path, for the log.
    """

    def __init__(self, place: Path | None, shown: str) -> None:
        self._place, self._shown = place, shown
        self._draft = place.with_name(f".{place.name}.part") if place else None
        self._file: IO[str] | None = None
        self.count = 0
        self.first = ""
        """What was wrong with the first one."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            with suppress(OSError):  # a full disk
                self._file.close()
            if self._draft is not None:
                self._draft.unlink(missing_ok=True)

    def add(self, row: Row, reason: str) -> None:
        """Take one row."""
        self.count += 1
        self.first = self.first or (f"line {row.line}: {reason}" if row.line else reason)
        if not row.number:
            return  # the file itself: it has a reason of its own
        if self._draft is not None:
            try:
                self._write(self._draft, row, reason)
            except OSError as exc:
                self._give_up(exc)
        if self._draft is None and self.count <= _TOLD:
            log.warning(
                "row_rejected", file=self._shown, row=row.number, line=row.line, reason=reason
            )

    def keep(self) -> Path | None:
        """Let the file appear under its name; None if there is none."""
        if self._file is None or self._draft is None or self._place is None:
            return None
        try:
            self._file.close()
            self._draft.replace(self._place)
        except OSError as exc:
            self._give_up(exc)
            return None
        return self._place

    def _write(self, draft: Path, row: Row, reason: str) -> None:
        if self._file is None:
            draft.parent.mkdir(parents=True, exist_ok=True)
            self._file = draft.open("w", encoding="utf-8", errors="backslashreplace")
        told = {"row": row.number, "line": row.line, "reason": reason}
        self._file.write(_line(told, row) + "\n")

    def _give_up(self, exc: OSError) -> None:
        """To send the file again for the sake of this list would not mend it: the log takes it."""
        log.warning("rejects_not_written", file=self._shown, reason=exc.strerror)
        if self._draft is not None:
            with suppress(OSError):
                self._draft.unlink(missing_ok=True)
        self._draft = None


def _line(told: dict[str, object], row: Row) -> str:
    """JSON, with the row's data; as it stood in the file where JSON has no place for a number."""
    if row.payload is not None:
        with suppress(ValueError):
            return json.dumps({**told, "data": row.payload}, ensure_ascii=False, allow_nan=False)
    return json.dumps({**told, "text": row.text}, ensure_ascii=False)
