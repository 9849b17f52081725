"""Actions: what an agent decides, and what their class statement has to say."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, computed_field
from pydantic_core import from_json

from streamagents.actions import Action, LogLine
from streamagents.actions.action import read
from streamagents.errors import ConfigurationError


class Message(Action, via="slack"):
    channel: str
    text: str


class Urgent(Message):
    """Goes where its parent goes."""


class Elsewhere(Message, via="pager"):
    """Goes elsewhere."""


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", serialize_by_alias=True)
    content: bytes = Field(b"", validation_alias="raw", serialization_alias="data")

    @computed_field
    def size(self) -> int:
        return len(self.content)


class Mail(Action, via="mail"):
    model_config = ConfigDict(strict=True)
    body: str = Field(validation_alias=AliasChoices("text", "html"))
    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    parts: tuple[Part, ...] = ()
    raw: bytes = b""

    @computed_field
    def subject(self) -> str:
        return self.body[:10]


def test_an_action_names_its_channel() -> None:
    assert [kind.via for kind in (Message, Urgent, Elsewhere)] == ["slack", "slack", "pager"]
    assert Message(channel="#a", text="x").via == "slack"


def test_a_channel_may_be_named_as_an_attribute_too() -> None:
    class Old(Action):
        via = "old-style"

    assert Old().via == "old-style"


@pytest.mark.parametrize(
    "via", ["", "Slack", "sl ack", "9lives", "-a", "ä", "a" * 41, "a.b", 7, "slack\n"]
)
def test_a_name_that_no_channel_can_have_is_refused_where_it_is_written(via: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Bad names the channel .*: a channel's name has"):
        type("Bad", (Action,), {}, via=via)


@pytest.mark.parametrize("via", ["a", "a" * 40, "http-2", "crm_notes"])
def test_letters_digits_hyphens_and_underscores_are_a_name(via: str) -> None:
    assert cast("type[Action]", type("Good", (Action,), {}, via=via)).via == via


def test_without_a_channel_it_is_a_base_for_others() -> None:
    class Base(Action):
        text: str

    class Real(Base, via="real"):
        pass

    assert Real(text="x").via == "real"
    with pytest.raises(
        ConfigurationError, match=r"Base names no channel: class Base\(Action, via="
    ):
        Base(text="x")
    with pytest.raises(ConfigurationError, match="Action names no channel"):
        Action()


@pytest.mark.filterwarnings("ignore:Field name")
def test_a_field_that_is_the_actions_own_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Taken has a field action_json, which every"):
        type("Taken", (Action,), {"__annotations__": {"action_json": str}}, via="a")
    with pytest.raises(ConfigurationError, match="Taken has a field via, which every Action has"):
        type("Taken", (Action,), {"__annotations__": {"via": str}, "via": "x"}, via="a")


def test_an_action_does_not_change_and_has_no_other_fields() -> None:
    message = Message(channel="#a", text="x")

    with pytest.raises(ValidationError, match="frozen"):
        cast("Any", message).text = "y"
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Message.model_validate({"channel": "#a", "text": "x", "token": "secret"})


def test_no_peer_takes_what_is_no_number() -> None:
    class Charge(Action, via="billing"):
        amount: float

    with pytest.raises(ValidationError, match="finite number"):
        Charge(amount=math.nan)


@pytest.mark.parametrize(
    "action",
    [
        Message(channel="#a", text="grüße \n\0"),
        LogLine(text="x", fields={"a": [1, None, {"b": 2.5}]}),
        Mail(
            html="<p>hello</p>",
            at=datetime(2026, 5, 1, tzinfo=UTC),
            parts=(Part(raw=b"\x00"), Part()),
            raw=b"\xff\xfe",
        ),
    ],
)
def test_what_a_record_carries_is_read_as_the_same_action(action: Action) -> None:
    assert read(type(action), from_json(action.action_json())) == action


def test_an_aliased_field_is_written_under_its_name() -> None:
    written = from_json(Mail(text="hello", parts=(Part(raw=b"x"),)).action_json())

    assert written["body"] == "hello"
    assert written["parts"] == [{"content": "x"}]


def test_what_is_no_such_action_is_not_read() -> None:
    for data in ({}, {"channel": "#a"}, {"channel": "#a", "text": 7}, {"text": "x", "more": 1}):
        with pytest.raises(ValidationError):
            read(Message, data)


def test_what_has_no_json_is_refused_when_it_is_written() -> None:
    class Odd(Action, via="odd"):
        what: Any

    for what in (object(), {frozenset({1}): 2}, "\ud800"):
        with pytest.raises(TypeError, match="Odd cannot be written as JSON"):
            Odd(what=what).action_json()
