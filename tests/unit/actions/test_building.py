"""An application's channels, checked before anything runs."""

from __future__ import annotations

from typing import Any

import pytest

from streamagents.actions import Action, Delivery, Effect, LogChannel, LogLine, build_channels
from streamagents.errors import ConfigurationError
from streamagents.testing import RecordingChannel


class Message(Action, via="slack"):
    text: str


class Slack:
    name = "slack"
    action = Message

    async def send(self, action: Message, effect: Effect) -> None: ...


class CalledAsync:
    async def __call__(self, action: Message, effect: Effect) -> None: ...


def slack(**changes: Any) -> Any:
    """A channel with one thing changed."""
    return type("Slack", (Slack,), changes)()


def test_channels_are_built_by_name() -> None:
    channel, delivery = Slack(), Delivery(RecordingChannel(), attempts=7)

    built = build_channels([channel, delivery])

    assert list(built) == ["slack", "recording", "log"]
    assert built["slack"] == Delivery(channel)
    assert built["recording"] is delivery


def test_log_is_there_unless_somebody_named_it() -> None:
    class OwnLog:
        name = "log"
        action = LogLine

        async def send(self, action: LogLine, effect: Effect) -> None: ...

    own = OwnLog()

    assert isinstance(build_channels([])["log"].channel, LogChannel)
    assert build_channels([own])["log"].channel is own


@pytest.mark.parametrize(
    "changes",
    [
        {"send": CalledAsync()},
        {"reconcile": None},
        {"reconcile": CalledAsync()},
        {"idempotent": True},
        {"more": 1},
    ],
)
def test_channels_may_be_written_in_other_ways(changes: dict[str, Any]) -> None:
    assert set(build_channels([slack(**changes)])) == {"slack", "log"}


async def other(self: Any, action: Any) -> None: ...
async def third(self: Any, action: Any, effect: Any, third: Any) -> None: ...
def plain(self: Any, action: Any, effect: Any) -> None: ...


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "Slack"}, "Slack names the channel 'Slack': a channel's name has 1 to 40"),
        ({"name": None}, "Slack names the channel None"),
        ({"name": ""}, "Slack names the channel ''"),
        ({"name": "pager"}, "channel 'pager', and delivers Message, which goes via 'slack'"),
        ({"action": None}, "Slack.action is None: it is the class"),
        ({"action": dict}, "Slack.action is <class 'dict'>"),
        ({"action": Message(text="x")}, "Slack.action is Message"),
        ({"action": Action}, "goes via ''"),
        ({"send": None}, r"has to have `async def send\(self, action, effect\)`\."),
        ({"send": plain}, "send is not async"),
        ({"send": other}, r"`async def send\(.*; it takes \(action: 'Any'\)"),
        ({"send": third}, r"it takes \(action: 'Any', effect: 'Any', third: 'Any'\)"),
        ({"reconcile": plain}, "reconcile is not async"),
        ({"reconcile": other}, r"`async def reconcile\(.*; it takes"),
        ({"reconcile": True}, r"has to have `async def reconcile"),
        ({"idempotent": "yes"}, "Slack.idempotent is True or False"),
        ({"idempotent": None}, "Slack.idempotent is True or False"),
    ],
)
def test_what_is_no_channel_is_refused_with_the_fault(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        build_channels([slack(**changes)])


def test_a_class_is_no_channel() -> None:
    with pytest.raises(ConfigurationError, match=r"The class Slack .*: hand over an object, Sla"):
        build_channels([Slack])  # type: ignore[list-item] # that is the point


def test_one_name_has_one_channel() -> None:
    with pytest.raises(
        ConfigurationError, match="Slack and RecordingChannel are both the channel 'slack'"
    ):
        build_channels([Slack(), Delivery(RecordingChannel("slack"))])
