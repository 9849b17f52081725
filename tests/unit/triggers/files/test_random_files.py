"""Random bytes and random tables: read back as they were written, or refused, and never a crash."""

from __future__ import annotations

import csv
import io
import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from streamagents.errors import FileRefusedError
from streamagents.triggers.files.patterns import Patterns
from streamagents.triggers.files.rows import Row, csv_rows, jsonl_rows

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
NAMES = st.lists(st.text("abcdefgh", min_size=1, max_size=3), min_size=2, max_size=5, unique=True)


@given(st.data(), NAMES, st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["\n", "\r\n"]))
def test_what_a_csv_writer_wrote_is_read_back(
    data: st.DataObject, names: list[str], delimiter: str, end: str
) -> None:
    row = st.lists(CELLS, min_size=len(names), max_size=len(names)).filter(any)
    rows = data.draw(st.lists(row, max_size=6))
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([names, *rows])
    text.seek(0)

    read = list(csv_rows(text, None))

    assert [row.fault for row in read] == [""] * len(rows)
    assert [row.payload for row in read] == [
        {name: cell for name, cell in zip(names, row, strict=True) if cell} for row in rows
    ]


@given(st.text(max_size=200))
def test_any_text_as_csv_is_rows_or_a_reason(text: str) -> None:
    rows: list[Row] = []
    with suppress(FileRefusedError):
        rows += csv_rows(io.StringIO(text, newline=""), None)

    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert all((row.payload is None) == bool(row.fault) for row in rows)


@given(st.lists(st.one_of(st.text(max_size=20), st.integers(), st.dictionaries(CELLS, CELLS))))
def test_what_json_lines_hold_is_read_back(values: list[object]) -> None:
    text = "".join(json.dumps(value) + "\n" for value in values)

    assert [row.payload for row in jsonl_rows(io.StringIO(text, newline="\n"))] == values


@given(st.text(max_size=200))
def test_any_text_as_json_lines_is_rows_or_reasons(text: str) -> None:
    rows = list(jsonl_rows(io.StringIO(text, newline="\n")))

    assert [row.number for row in rows] == list(range(1, len(rows) + 1))


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_any_pattern_answers_for_any_path(pattern: str, path: str) -> None:
    assert Patterns([pattern]).match(path) in {True, False}
