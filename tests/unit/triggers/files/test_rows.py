"""Rows: CSV and JSON lines as people and programs really write them."""

from __future__ import annotations

import io

import pytest

from streamagents.errors import FileRefusedError
from streamagents.triggers.files.rows import MAX_LINE_CHARS, csv_rows, delimiter_of, jsonl_rows


def csv_(text: str, delimiter: str | None = None) -> list[tuple[object, str]]:
    return [(row.payload, row.fault) for row in csv_rows(io.StringIO(text, newline=""), delimiter)]


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [
        ("a,b,c", ","),
        ("a;b;c", ";"),
        ("a\tb", "\t"),
        ("a|b", "|"),
        ("one", ","),
        ('"a;b;c",d', ","),
        ("price, EUR;vat, EUR;sum;x", ";"),
    ],
)
def test_the_header_tells_what_separates_cells(header: str, delimiter: str) -> None:
    assert delimiter_of(header) == delimiter


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_any_system_ends_them(end: str) -> None:
    assert csv_(end.join(["a,b", "1,2", "3,4"])) == [
        ({"a": "1", "b": "2"}, ""),
        ({"a": "3", "b": "4"}, ""),
    ]


def test_a_cell_may_hold_lines_quotes_and_separators() -> None:
    assert csv_('a,b\n"x\ny","say ""hi"", ok"\n') == [({"a": "x\ny", "b": 'say "hi", ok'}, "")]


def test_empty_cells_are_left_out_and_blank_lines_are_none() -> None:
    assert csv_("a,b\n\n1,\n   \n,2\n") == [
        ({"a": "1"}, ""),
        (None, "It has 1 cells, the header has 2."),
        ({"b": "2"}, ""),
    ]


def test_what_excel_leaves_at_the_edge_of_a_sheet_is_nothing() -> None:
    assert csv_("a;b;;\r\n1;2;;\r\n;;;\r\n3;4\r\n5;6;;;;\r\n;;\r\n") == [
        ({"a": "1", "b": "2"}, ""),
        ({"a": "3", "b": "4"}, ""),
        ({"a": "5", "b": "6"}, ""),
    ]


@pytest.mark.parametrize("first", ["sep=|", '"sep=|"', "SEP=|"])
def test_a_first_line_that_tells_excel_the_separator_tells_us(first: str) -> None:
    text = io.StringIO(f"{first}\r\na|b,c\r\n1|2\r\n", newline="")

    (row,) = csv_rows(text, None)

    assert (row.payload, row.number, row.line) == ({"a": "1", "b,c": "2"}, 1, 3)


@pytest.mark.parametrize("row", ["1", "1,2,3"])
def test_a_ragged_row_is_none_and_the_next_one_is(row: str) -> None:
    ragged, good = csv_(f"a,b\n{row}\n5,6\n")

    assert ragged[0] is None
    assert "the header has 2" in ragged[1]
    assert good == ({"a": "5", "b": "6"}, "")


def test_a_row_whose_quoting_is_broken_is_none_and_the_next_one_is() -> None:
    broken, good = csv_('a,b\n"x"y,1\n5,6\n')

    assert "quoting is broken" in broken[1]
    assert good == ({"a": "5", "b": "6"}, "")


def test_a_quote_that_never_ends_is_one_rejected_row() -> None:
    ((payload, fault),) = csv_('a,b\n"x,1\n5,6\n')

    assert payload is None
    assert "quoting is broken" in fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("\n1,2\n", "names no columns"),
        ("a,,c\n1,2,3\n", "column 2 has no name"),
        ("a,b,a\n1,2,3\n", "Two of its columns are named 'a'"),
        ('"a"b,c\n', "quoting of its header is broken"),
        ("a\n" + "x" * (MAX_LINE_CHARS + 1), "longer than a record"),
    ],
)
def test_a_file_without_a_usable_header_or_end_of_line_is_refused(text: str, fault: str) -> None:
    with pytest.raises(FileRefusedError, match=fault):
        csv_(text)


def test_a_header_alone_has_no_rows() -> None:
    assert csv_("a,b\n") == []


def test_a_separator_that_is_named_wins() -> None:
    assert csv_("a;b,c\n1;2,3\n", ",") == [({"a;b": "1;2", "c": "3"}, "")]


def test_json_lines_are_numbered_as_rows_and_as_lines() -> None:
    rows = list(jsonl_rows(io.StringIO('{"a": 1}\n\n  \n{"a": 2}\r\nnope\n[3]')))

    assert [(row.number, row.line, row.payload) for row in rows] == [
        (1, 1, {"a": 1}),
        (2, 4, {"a": 2}),
        (3, 5, None),
        (4, 6, [3]),
    ]
    assert rows[2].fault.startswith("No JSON")
    assert rows[2].text == "nope"


def test_a_line_that_is_too_long_is_skipped_and_the_next_one_is_read() -> None:
    text = io.StringIO('"' + "x" * (2 * MAX_LINE_CHARS) + '"\n{"a": 1}\n')

    too_long, good = jsonl_rows(text)

    assert "longer than a record" in too_long.fault
    assert good.payload == {"a": 1}


def test_a_line_separator_of_unicode_ends_no_line() -> None:
    (row,) = jsonl_rows(io.StringIO('{"a": "x\u2028y\x85"}\n'))

    assert row.payload == {"a": "x\u2028y\x85"}
