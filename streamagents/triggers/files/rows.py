"""Rows: what in a file is one event each, one after the other, whatever the file's size."""

from __future__ import annotations

import base64
import csv
import re
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from streamagents.errors import FileRefusedError, UndecodableError
from streamagents.events.wire import parse
from streamagents.topics import MAX_RECORD_BYTES, MIB
from streamagents.triggers.files.scan import shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from streamagents.triggers.files.folder import Folder
    from streamagents.triggers.files.reading import Content, OpenedFile

MAX_LINE_CHARS = MAX_RECORD_BYTES
_MAX_CONTENT_BYTES = 4 * MIB
"""What a record takes, also as base64."""
_DELIMITERS = ",;\t|"
_TOLD_DELIMITER = re.compile(r'"?sep=([^"\r\n])"?[\r\n]*', re.IGNORECASE)
"""A first line for Excel, which shows no such line."""


class Row(NamedTuple):
    """One part of a file that is to be an event."""

    number: int
    """From 1; 0 is the file as a whole."""
    line: int
    """Where it ends."""
    payload: Any
    fault: str = ""
    """Why it is none."""
    text: str = ""
    """As it stands in the file, for whoever mends it."""


def rows_of(folder: Folder, path: str, file: OpenedFile, content: Content) -> Iterator[Row]:
    """The rows of a file, in its order.

    Raises:
        FileRefusedError: the file as a whole cannot be read.
    """
    kind = folder.kind_of(path)
    if kind == "file":
        yield Row(0, 0, _told(path, file, content))
        return
    if content.encoding is None:
        raise FileRefusedError(
            "It is no UTF-8, and has no byte order mark: name its encoding, as in "
            "Folder(..., encoding='latin-1')."
            if folder.encoding is None
            else f"It is neither UTF-8 nor {folder.encoding}."
        )
    if kind == "json":
        yield Row(0, 0, _json(file, content.encoding))
    elif kind == "jsonl":
        yield from jsonl_rows(file.text(content.encoding, newline="\n"))
    else:
        yield from csv_rows(file.text(content.encoding, newline=""), folder.delimiter)


def jsonl_rows(text: TextIO) -> Iterator[Row]:
    """One JSON value a line; blank lines are none."""
    number = line = 0
    while piece := text.readline(MAX_LINE_CHARS):
        line += 1
        if not piece.strip():
            continue
        number += 1
        if len(piece) == MAX_LINE_CHARS and not piece.endswith("\n"):
            while piece and not piece.endswith("\n"):
                piece = text.readline(MAX_LINE_CHARS)
            yield Row(number, line, None, "The line is longer than a record can be.")
            continue
        try:
            yield Row(number, line, parse(piece.strip().encode()), text=piece.rstrip("\r\n"))
        except UndecodableError as exc:
            yield Row(number, line, None, f"No JSON: {exc.__cause__}.", piece.rstrip("\r\n"))


def csv_rows(text: TextIO, delimiter: str | None) -> Iterator[Row]:
    """One object a row, named by the header; empty cells are left out, blank rows are none.

    Raises:
        FileRefusedError: it has no usable header, or a line without end.
    """
    csv.field_size_limit(MAX_LINE_CHARS)
    first, before = text.readline(MAX_LINE_CHARS), 0
    if told := _TOLD_DELIMITER.fullmatch(first):
        delimiter = delimiter or told[1]
        first, before = text.readline(MAX_LINE_CHARS), 1
    reader = csv.reader(
        _lines(first, text), delimiter=delimiter or delimiter_of(first), strict=True
    )
    header = _header(reader)
    number = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            number += 1
            yield Row(number, reader.line_num + before, None, f"Its quoting is broken: {exc}.")
            continue
        if not any(cells):
            continue
        number += 1
        yield _row(number, reader.line_num + before, header, cells)


def delimiter_of(header: str) -> str:
    """What separates the names of a header: what it has most of, outside of quotes."""
    plain = "".join(header.split('"')[::2])
    return max(_DELIMITERS, key=plain.count)  # the first of equals: the comma


def _lines(first: str, text: TextIO) -> Iterator[str]:
    line = first
    while line:
        if len(line) == MAX_LINE_CHARS and not line.endswith(("\n", "\r")):
            raise FileRefusedError("It has a line that is longer than a record can be.")
        yield line
        line = text.readline(MAX_LINE_CHARS)


def _header(reader: Iterator[list[str]]) -> list[str]:
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as exc:
        raise FileRefusedError(f"The quoting of its header is broken: {exc}.") from exc
    _cut(header, 0)
    if not header:
        raise FileRefusedError("Its first line names no columns.")
    if "" in header:
        raise FileRefusedError(f"Its column {header.index('') + 1} has no name.")
    if twice := next((name for name in header if header.count(name) > 1), None):
        raise FileRefusedError(f"Two of its columns are named {twice!r:.100}.")
    return header


def _row(number: int, line: int, header: list[str], cells: list[str]) -> Row:
    _cut(cells, len(header))
    if len(cells) != len(header):
        fault = f"It has {len(cells)} cells, the header has {len(header)}."
        return Row(number, line, None, fault, " | ".join(cells))
    payload = {name: cell for name, cell in zip(header, cells, strict=True) if cell != ""}
    return Row(number, line, payload)


def _cut(cells: list[str], least: int) -> None:
    """Take off the empty cells at the end: Excel writes them where a sheet was once wider."""
    while len(cells) > least and not cells[-1]:
        del cells[-1]


def _json(file: OpenedFile, encoding: str) -> Any:
    if file.look.size > MAX_RECORD_BYTES:
        raise FileRefusedError(f"It has {file.look.size:,} bytes, more than a record takes.")
    try:
        return parse(file.text(encoding, newline="").read().encode())
    except UndecodableError as exc:
        raise FileRefusedError(f"It is no JSON: {exc.__cause__}.") from exc


def _told(path: str, file: OpenedFile, content: Content) -> dict[str, Any]:
    """What is told of a file; its content only where a record can hold it."""
    modified = datetime.fromtimestamp(file.look.mtime_ns / 1e9, UTC)
    told: dict[str, Any] = {
        "path": shown(path),
        "name": PurePosixPath(shown(path)).name,
        "size": file.look.size,
        "modified": modified.isoformat().replace("+00:00", "Z"),
        "sha256": content.sha256,
    }
    if file.look.size > _MAX_CONTENT_BYTES:
        return told
    file.raw.seek(0)
    if content.encoding is None:
        return {**told, "content_base64": base64.b64encode(file.raw.read()).decode()}
    return {**told, "text": file.text(content.encoding, newline="").read()}
