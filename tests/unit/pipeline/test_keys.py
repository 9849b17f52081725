"""Event id and key: which of the places where a record may name them counts."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import pytest

from streamagents.events import Event
from streamagents.pipeline.chain import read
from support.records import fallback, record, registration

if TYPE_CHECKING:
    from streamagents.pipeline.outcome import Incoming
    from streamagents.testing.bus import MemoryRecord


class Plan(Enum):
    SMALL = "small"


class Seat(Event, topic="seat", key="plan", id="ticket"):
    plan: Plan | int | None = None
    ticket: int | str | None = None


class SeatAgent:
    async def run(self, event: Seat) -> None: ...


class Note(Event, topic="note", id=None):
    id: str = ""
    data: str = ""


class NoteAgent:
    async def run(self, event: Note) -> None: ...


CE = (("ce_id", b"c-1"),)


def order(source: MemoryRecord) -> Incoming:
    return read(source, registration(), topic="order")


def seat(source: MemoryRecord) -> Incoming:
    return read(source, registration(SeatAgent(), "seat"), topic="seat")


def note(source: MemoryRecord) -> Incoming:
    return read(source, registration(NoteAgent(), "note"), topic="note")


@pytest.mark.parametrize(
    ("source", "id_"),
    [
        (record(b'{"id":"m-1"}', headers=CE), "c-1"),
        (record(b'{"type":"order","id":"v-1","data":{"id":"m-1"}}'), "v-1"),
        (record(b'{"type":"order","id":17,"data":{}}'), "17"),
        (record(b'{"id":"m-1"}'), "m-1"),
        (record(b'{"id":""}'), "order:0:7"),
        (record(b"{}", partition=2, offset=9), "order:2:9"),
        (record(b'{"id":"m-1"}', headers=(("ce_id", b""),)), "m-1"),
        (record(headers=(("ce_id", b"first"), ("ce_id", b"last"))), "last"),
    ],
)
def test_the_id_is_the_senders_then_the_envelopes_then_the_models_then_the_place(
    source: MemoryRecord, id_: str
) -> None:
    assert order(source).id == id_


def test_a_named_field_is_the_id_and_an_entitys_id_is_none() -> None:
    assert seat(record(b'{"ticket":12}', topic="seat")).id == "12"
    assert note(record(b'{"id":"customer-1"}', topic="note")).id == "note:0:7"


@pytest.mark.parametrize(
    ("source", "key"),
    [
        (record(b'{"customer":"a","id":"i"}', key=b"k", headers=CE), b"a"),
        (record(b'{"customer":null,"id":"i"}', key=b"k", headers=CE), b"k"),
        (record(b'{"id":"i"}', key=b""), b""),
        (record(b'{"customer":""}', key=b"k"), b""),
        (record(b'{"type":"order","data":{},"key":"e"}'), b"e"),
        (record(b'{"type":"order","data":{},"key":5}', key=b"k"), b"k"),
        (record(b'{"type":"order","data":{"customer":"a"},"key":"e"}'), b"a"),
        (record(b'{"id":"i"}'), b"i"),
        (record(b"{}", headers=CE), b"c-1"),
        (record(b"{}"), None),
        (record('{"customer":"Zoë"}'.encode()), "Zoë".encode()),
    ],
)
def test_the_key_is_the_fields_then_the_records_then_the_envelopes_then_the_id(
    source: MemoryRecord, key: bytes | None
) -> None:
    assert order(source).key == key


@pytest.mark.parametrize(
    ("data", "key"), [(b'{"plan":"small"}', b"small"), (b'{"plan":3}', b"3"), (b"{}", b"k")]
)
def test_a_key_is_the_text_of_its_value_without_quotes(data: bytes, key: bytes) -> None:
    assert seat(record(data, topic="seat", key=b"k")).key == key


def test_raw_data_is_keyed_by_its_record_and_named_by_its_envelope() -> None:
    source = record(b'{"id":"v","type":"t","data":{"id":"entity"}}', topic="any", key=b"k")
    incoming = read(source, fallback(), topic="any")

    assert (incoming.id, incoming.key, incoming.payload) == ("v", b"k", {"id": "entity"})


def test_bare_raw_data_has_no_id_of_its_own() -> None:
    incoming = read(record(b'{"id":"entity"}', topic="any"), fallback(), topic="any")

    assert (incoming.id, incoming.key) == ("any:0:7", None)


def test_a_model_with_a_field_data_is_never_taken_for_an_envelope() -> None:
    source = record(b'{"type":"note","id":"i","data":"text"}', topic="note")

    assert note(source).id == "note:0:7"
    assert note(source).payload == Note(id="i", data="text")
