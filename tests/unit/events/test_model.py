"""The class statement of an event: its type, topic, key and id."""

from __future__ import annotations

import warnings
from datetime import date
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from pydantic import Field, create_model

from streamagents.errors import ConfigurationError
from streamagents.events import Event


class Plan(Enum):
    FREE = "free"


class NewLead(Event, topic="leads", type="lead.new", key="email", id="form_id", partitions=8):
    email: str | None = None
    form_id: int | None = None


class HTTPRequestSeen(Event):
    id: str | None = None


class CustomerMoved(Event, topic="customer_moved", key="id", id=None):
    id: str


def test_a_class_names_its_type_topic_key_and_id() -> None:
    said = NewLead.event_type

    assert (said.type, said.topic, said.key, said.id) == ("lead.new", "leads", "email", "form_id")
    assert (said.partitions, said.tombstones) == (8, "letter")


def test_without_keywords_the_class_name_is_type_and_topic_and_a_field_id_is_the_id() -> None:
    said = HTTPRequestSeen.event_type

    assert (said.type, said.topic, said.key, said.id) == (
        "http_request_seen",
        "http_request_seen",
        None,
        "id",
    )


def test_a_topic_is_the_type_too_and_a_type_the_topic() -> None:
    class ByTopic(Event, topic="a.b"):
        pass

    class ByType(Event, type="c.d"):
        pass

    assert (ByTopic.event_type.type, ByType.event_type.topic) == ("a.b", "c.d")


def test_an_entitys_id_is_no_events_id_when_the_class_says_so() -> None:
    moved = CustomerMoved(id="c-1")

    assert (moved.event_id(), moved.event_key()) == (None, b"c-1")


@pytest.mark.parametrize(
    ("annotation", "value", "key"),
    [
        (str, "ann@example.com", b"ann@example.com"),
        (str, "Zürich", "Zürich".encode()),
        (str, "", b""),
        (int, 7, b"7"),
        (bool, True, b"True"),
        (date, "2026-03-01", b"2026-03-01"),
        (UUID, "12345678-1234-5678-1234-567812345678", b"12345678-1234-5678-1234-567812345678"),
        (Plan, "free", b"free"),
        (str | None, None, None),
    ],
)
def test_a_key_is_the_fields_value_as_text_without_quotes(
    annotation: Any, value: object, key: bytes | None
) -> None:
    class Keyed(Event, topic="keyed", key="field"):
        field: annotation

    assert Keyed.model_validate({"field": value}).event_key() == key


@pytest.mark.parametrize(("form_id", "id_"), [(7, "7"), (0, "0"), (None, None)])
def test_an_id_is_the_fields_value_as_text(form_id: int | None, id_: str | None) -> None:
    assert NewLead(form_id=form_id).event_id() == id_


def test_an_empty_id_identifies_nothing() -> None:
    assert HTTPRequestSeen(id="").event_id() is None


def test_unknown_fields_are_ignored() -> None:
    lead = NewLead.model_validate({"email": "a@b.co", "shoe_size": 43})

    assert lead.model_dump() == {"email": "a@b.co", "form_id": None}


@pytest.mark.parametrize("keyword", ["key", "id"])
def test_a_field_that_does_not_exist_cannot_be_named(keyword: str) -> None:
    keywords: dict[str, Any] = {keyword: "emial"}

    with pytest.raises(ConfigurationError, match=f"Typo names {keyword}='emial'.*it has email"):

        class Typo(Event, topic="typo", **keywords):
            email: str


@pytest.mark.parametrize("topic", ["new lead", "a/b", "ä", ".", "..", "x" * 250])
def test_a_topic_is_a_legal_kafka_name(topic: str) -> None:
    with pytest.raises(ConfigurationError, match=r"a Kafka topic has 1 to 249 letters"):

        class Odd(Event, topic=topic):
            pass


@pytest.mark.parametrize("name", ["event_id", "event_key"])
def test_a_field_cannot_hide_a_method_of_events_and_the_remedy_is_named(name: str) -> None:
    with (
        warnings.catch_warnings(action="ignore"),
        pytest.raises(ConfigurationError, match=rf"has a field {name}.*Field\(alias='{name}'\)"),
    ):
        create_model("Hiding", __base__=Event, **{name: (str, ...)})  # type: ignore[call-overload]


def test_a_field_may_be_called_event_type() -> None:
    class Audit(Event, topic="audit", key="event_type"):
        event_type: str = Field(default="login")  # type: ignore[assignment,misc]

    assert (Audit().event_key(), Audit().model_dump()) == (b"login", {"event_type": "login"})
