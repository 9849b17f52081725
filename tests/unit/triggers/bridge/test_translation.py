"""What one message of a queue becomes, whatever it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamagents import Event
from streamagents.agents import build_registry
from streamagents.errors import ConfigurationError
from streamagents.ports import Message
from streamagents.testing import FakeClock, MemoryQueue
from streamagents.topics import Layout
from streamagents.triggers.bridge import Bridge
from streamagents.triggers.bridge.translation import Translated, Translation
from streamagents.triggers.inbound import Inbound


class Sale(Event, topic="sale", key="customer", id="no"):
    customer: str
    amount: float
    no: str | None = None


class Quiet(Event, topic="quiet", id=None, tombstones="skip"):
    text: str


class Nobody:
    async def run(self, event: dict[str, Any]) -> None: ...


def translated(message: bytes | None, to: type[Event] = Sale, **options: Any) -> Translated:
    bridge = Bridge("old", MemoryQueue(), to=to, **{"fields": None, **options})
    inbound = Inbound(
        registry=build_registry({}, fallback=Nobody(), emits=[Sale, Quiet]),
        layout=Layout(),
        clock=FakeClock(),
        source=bridge.source,
    )
    told = Message(
        id="orders.v1:3:41",
        value=message,
        key=b"\xffk",
        headers=(("traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"), ("n", b"\xff")),
    )
    return Translation(bridge, inbound, to).translate(told)


def head(one: Translated, name: str) -> str:
    assert one.record is not None
    return dict(one.record.headers)[name].decode()


def data(one: Translated) -> Any:
    assert one.record is not None
    return json.loads(one.record.value or b"")


GOOD = b'{"customer": "ann", "amount": 3}'


def test_a_message_becomes_an_event_of_the_bridge_in_its_own_trace() -> None:
    one = translated(GOOD)

    assert one.record is not None
    assert (one.record.topic, one.record.key) == ("sale", b"ann")
    assert head(one, "ce_source") == "bridge/old"
    assert head(one, "ce_type") == "sale"
    assert head(one, "traceparent").startswith("00-" + "a" * 32)
    assert one.reason == ""


@pytest.mark.parametrize(
    ("message", "id_", "expected"),
    [
        (GOOD, None, "orders.v1:3:41"),
        (b'{"customer": "ann", "amount": 3, "no": "7"}', None, "7"),
        (b'{"customer": "ann", "amount": 3, "no": "7", "x": {"y": 12}}', "x.y", "12"),
        (b'{"customer": "ann", "amount": 3, "no": "7"}', "x.y", "7"),
        (GOOD, "x.y", "orders.v1:3:41"),
    ],
)
def test_the_id_is_the_mapped_one_else_the_models_else_the_place(
    message: bytes, id_: str | None, expected: str
) -> None:
    assert head(translated(message, id=id_), "ce_id") == expected


def test_fields_are_mapped() -> None:
    fields = {"customer": "order.mail", "amount": "order.lines[].sum | sum(@)"}

    one = translated(
        b'{"order": {"mail": "ann", "lines": [{"sum": 1}, {"sum": 2}]}}', fields=fields
    )

    assert data(one) == {"customer": "ann", "amount": 3.0}


def _breaks(_: Any) -> Event | None:
    raise KeyError("secret-value")


@pytest.mark.parametrize(
    ("message", "options", "reason"),
    [
        (b"\xff\xfe", {}, "no JSON"),
        (b"", {}, "no JSON"),
        (b"[1]", {}, "no JSON object"),
        (None, {}, "tombstone"),
        (b'{"customer": "ann", "amount": 3, "x": NaN}', {}, "no JSON"),
        (b'{"customer": "ann", "amount": 3, "x": 1e999}', {}, "no JSON"),
        (b'{"customer": "ann"}', {}, "amount: Field required"),
        (b'{"a": 1}', {"fields": {"customer": "length(a)"}}, "cannot be made"),
        (GOOD, {"fields": _breaks}, "the mapping raised KeyError"),
        (b'{"customer": "ann", "amount": 3, "i": [1]}', {"id": "i"}, "Its id is neither"),
        (b'{"customer": "ann", "amount": 3, "i": true}', {"id": "i"}, "Its id is neither"),
    ],
)
def test_what_is_no_such_event_is_told_of_in_the_inbox(
    message: bytes | None, options: dict[str, Any], reason: str
) -> None:
    one = translated(message, **options)

    assert one.record is not None
    assert one.record.topic == "streamagents.inbox"
    assert head(one, "ce_type") == "old.unmapped"
    assert head(one, "ce_id") == "orders.v1:3:41"
    assert reason in data(one)["reason"]
    assert "secret-value" not in one.reason
    assert data(one)["key"] == "\\xffk"
    assert data(one)["headers"]["n"] == "\\xff"


def test_bytes_are_kept_as_base64_and_text_as_text() -> None:
    assert data(translated(b"\xff\xfe"))["value_base64"] == "//4="
    assert data(translated(b"plain"))["value"] == "plain"
    assert data(translated(None))["value"] is None


def test_what_no_event_can_hold_is_told_by_its_place() -> None:
    told = data(translated(b"x" * (7 << 20)))

    assert (told["id"], told["value_bytes"]) == ("orders.v1:3:41", 7 << 20)


def test_a_tombstone_is_left_out_where_the_model_skips_them() -> None:
    assert translated(None, to=Quiet).record is None


def test_a_function_may_leave_a_message_out() -> None:
    assert translated(GOOD, fields=lambda payload: None) == Translated(None)


def test_a_model_without_a_key_keeps_the_key_of_the_message() -> None:
    one = translated(b'{"text": "hello"}', to=Quiet)

    assert one.record is not None
    assert one.record.key == b"\\xffk"


def test_an_expression_that_is_none_is_refused_when_it_is_declared() -> None:
    with pytest.raises(ConfigurationError, match="no JMESPath"):
        Bridge("old", MemoryQueue(), to=Sale, id="a..b")
    with pytest.raises(ConfigurationError, match="no JMESPath"):
        Bridge("old", MemoryQueue(), to=Sale, fields={"a": "["})
    with pytest.raises(ConfigurationError, match="a name has 1 to 40"):
        Bridge("a name", MemoryQueue(), to=Sale)
