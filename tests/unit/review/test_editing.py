"""Editing: what may be changed in a letter, and what makes another event of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streamagents.errors import EventError, InvalidEventError, UndecodableError
from streamagents.review.editing import check_edit, text_of, with_data, with_fields
from streamagents.review.plan import Send
from support.post import a_letter
from support.records import registration

HOME = Send("order", 2, in_place=True)
ORDER = registration()


def checked(before: Any, after: Any) -> Send:
    return check_edit(before, after, HOME, ORDER, lambda _: 3)


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        (["amount=8"], b'{"customer": "ada", "amount": 8, "card": {"number": "1"}}'),
        (["card.number=2"], b'{"customer": "ada", "amount": 7, "card": {"number": 2}}'),
        (["note=a=b"], None),
        (['note="8"', "amount=null"], None),
    ],
)
def test_fields_are_set(changes: list[str], value: bytes | None) -> None:
    letter = a_letter(b'{"customer":"ada","amount":7,"card":{"number":"1"}}')
    made = with_fields(letter, changes)

    assert value is None or made == value
    assert b'"customer": "ada"' in made


@pytest.mark.parametrize("change", ["amount", "=1", "card.x.y=1", "nowhere.x=1", "amount.x=1"])
def test_what_names_no_place_is_refused(change: str) -> None:
    with pytest.raises(InvalidEventError, match="names no place"):
        with_fields(a_letter(), [change])


def test_without_an_object_there_is_no_field() -> None:
    with pytest.raises(InvalidEventError, match="holds no JSON object"):
        with_fields(a_letter(b"{"), ["a=1"])


def test_new_data_keeps_the_form() -> None:
    envelope = a_letter(b'{"id":"e-1","type":"order","data":{"customer":"ada"}}', headers=())
    made = with_data(envelope, b'{"customer":"ada","amount":1}')

    assert made.value == (
        b'{"id": "e-1", "type": "order", "data": {"customer": "ada", "amount": 1}}'
    )
    assert with_data(a_letter(), b' {"customer":"ada"}\n').value == b'{"customer":"ada"}'


def test_new_data_that_is_no_json_is_refused() -> None:
    with pytest.raises(UndecodableError, match="The new data is no JSON"):
        with_data(a_letter(), b"{")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b'{"customer":"bob"}', "changes the event's key"),
        (b'{"customer":"ada","amount":"x"}', "Not a Order: amount"),
        (b"[]", "Not a Order"),
    ],
)
def test_an_edit_may_not_make_another_event(value: bytes, said: str) -> None:
    letter = a_letter()
    with pytest.raises(EventError, match=said):
        checked(letter, with_data(letter, value))


def test_an_id_in_the_data_may_not_change_either() -> None:
    letter = a_letter(b'{"customer":"ada","id":"a"}', headers=())
    with pytest.raises(InvalidEventError, match="changes the event's id"):
        checked(letter, with_data(letter, b'{"customer":"ada","id":"b"}'))


def test_an_edit_that_keeps_both_goes_home() -> None:
    letter = a_letter()

    assert checked(letter, with_data(letter, b'{"customer":"ada","amount":9}')) == HOME


def test_what_could_not_be_read_goes_where_its_new_key_belongs() -> None:
    letter = a_letter(b"{")

    assert checked(letter, with_data(letter, b'{"customer":"bob"}')) == replace(HOME, partition=3)


def test_what_nobody_here_knows_has_to_be_json() -> None:
    letter = a_letter()
    made = with_data(letter, b'{"any":"thing"}')

    assert check_edit(letter, made, HOME, None, lambda _: 3) == HOME


def test_text_to_edit() -> None:
    assert text_of(a_letter(b'{"a":1}')) == '{\n  "a": 1\n}\n'
    assert text_of(a_letter(b"{")) == "{"
    with pytest.raises(InvalidEventError, match="bytes that are no text"):
        text_of(a_letter(b"\xff"))
