"""Where an event that somebody hands in goes, and why not."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from pydantic import EmailStr

from streamagents.agents import build_registry
from streamagents.errors import InvalidEventError, UndecodableError
from streamagents.events import Event
from streamagents.pipeline.addressing import Address, address
from streamagents.topics import Layout


class Lead(Event, topic="lead", key="email", id="form_id"):
    email: str
    form_id: int | None = None


class Scored(Event, topic="scored", type="lead.scored"):
    score: int


class Signed(Event, topic="signed"):
    email: EmailStr


class OnSigned:
    async def run(self, signed: Signed) -> None: ...


class OnLead:
    async def run(self, lead: Lead) -> Scored | None: ...


class OnAnything:
    async def run(self, event: dict[str, Any]) -> None: ...


REGISTRY = build_registry({"lead": OnLead(), "paid": OnAnything()}, fallback=OnAnything())
LAYOUT = Layout(prefix="eu.")
ANN = b'{"email": "ann@example.com", "shoe_size": 43}'


def addressed(type_: str, value: bytes, id_: str | None = None, key: str | None = None) -> Address:
    return address(REGISTRY, LAYOUT, type_=type_, value=value, id_=id_, key=key)


def test_a_known_type_goes_to_its_topic_under_the_key_of_its_model() -> None:
    head = addressed("lead", ANN, id_="e-1", key="ignored")

    assert head == Address(
        type="lead", topic="eu.lead", to_inbox=False, id="e-1", key=b"ann@example.com"
    )


def test_an_id_is_made_up_where_neither_the_command_nor_the_data_has_one() -> None:
    one, other = addressed("lead", ANN), addressed("lead", ANN)

    assert UUID(one.id) != UUID(other.id)


def test_the_id_field_of_the_data_is_the_id_unless_another_is_named() -> None:
    value = b'{"email": "ann@example.com", "form_id": 7}'

    assert addressed("lead", value).id == "7"
    assert addressed("lead", value, id_="e-1").id == "e-1"


def test_without_a_key_field_the_key_is_the_one_named_else_the_id() -> None:
    assert addressed("paid", b"{}", id_="e-1", key="k").key == b"k"
    assert addressed("paid", b"{}", id_="e-1").key == b"e-1"


def test_a_type_that_agents_only_emit_has_its_topic_too() -> None:
    head = addressed("lead.scored", b'{"score": 7}')

    assert (head.topic, head.to_inbox) == ("eu.scored", False)


def test_an_unknown_type_goes_to_the_inbox() -> None:
    head = addressed("mystery", b'{"any": "thing"}', id_="e-1")

    assert (head.topic, head.to_inbox, head.key) == ("eu.streamagents.inbox", True, b"e-1")


def test_data_that_its_model_does_not_take_is_told_field_by_field() -> None:
    with pytest.raises(InvalidEventError) as refused:
        addressed("lead", b'{"form_id": "seven"}')

    assert str(refused.value) == (
        "The data is no 'lead': email: Field required; form_id: Input should be a valid integer, "
        "unable to parse string as an integer."
    )


@pytest.mark.parametrize("type_", ["lead", "paid", "mystery"])
def test_data_is_a_json_object(type_: str) -> None:
    with pytest.raises(UndecodableError, match=f"The data of '{type_}' is no JSON: "):
        addressed(type_, b"{email}")
    with pytest.raises(InvalidEventError, match=f"The data of '{type_}' is no JSON object"):
        addressed(type_, b"[1]")


def test_a_fault_of_the_data_ends_with_one_full_stop() -> None:
    with pytest.raises(InvalidEventError) as refused:
        address(
            build_registry({"signed": OnSigned()}, fallback=OnAnything()),
            LAYOUT,
            type_="signed",
            value=b'{"email": "nobody"}',
            id_=None,
            key=None,
        )

    assert str(refused.value).endswith("must have an @-sign.")
