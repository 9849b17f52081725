"""The channels that the environment names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from streamagents.actions import (
    Delivery,
    Effect,
    LogChannel,
    RecordUpsert,
    SlackChannel,
    build_channels,
)
from streamagents.errors import ConfigurationError
from streamagents.runtime.channels import channels_from, close_channels, database_from
from streamagents.settings import Settings
from streamagents.testing import RecordingChannel

if TYPE_CHECKING:
    from pathlib import Path

WEBHOOK = SecretStr("https://hooks.slack.example/services/x")


def names(**settings: Any) -> list[str]:
    return list(build_channels(channels_from(Settings(**settings))))


def test_without_settings_there_are_the_log_and_records_in_the_data_folder() -> None:
    assert names() == ["database", "log"]


def test_each_channel_comes_with_its_settings() -> None:
    assert names(
        slack_webhook_url=WEBHOOK,
        smtp_host="mx.example",
        smtp_from="crm@shop.example",
        http_allow_hosts=("shop.example",),
    ) == ["database", "slack", "email", "http", "log"]
    assert names(slack_webhooks={"#leads": WEBHOOK}) == ["database", "slack", "log"]


async def test_records_lie_in_the_data_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a folder %41?x=#1"
    records = database_from(Settings(data_dir=folder), ["leads"])

    await records.send(RecordUpsert(table="leads", key="ann", values={"a": 1}), Effect(id="1"))

    assert await records.find("leads", "ann") == {"a": 1}
    assert (folder / "records.db").is_file()
    await close_channels({"database": Delivery(records)})


def test_a_message_waits_for_its_turn_at_slack() -> None:
    deliveries = channels_from(Settings(slack_webhook_url=WEBHOOK))

    (slack,) = [one for one in deliveries if isinstance(one.channel, SlackChannel)]
    assert slack.per_second == 1.0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"smtp_host": "mx.example"}, "STREAMAGENTS_SMTP_FROM is not"),
        ({"slack_webhook_url": SecretStr("marker")}, "no https URL"),
        ({"database_url": SecretStr("mysql://crm:marker@db/x")}, "URL cannot be used"),
        ({"http_allow_hosts": ("a.example",), "http_secrets": (SecretStr("marker"),)}, "A secret"),
    ],
)
def test_what_cannot_work_is_told_at_once(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        channels_from(Settings(**settings))

    assert "marker" not in str(caught.value)


async def test_channels_are_closed_and_hold_nobody_up() -> None:
    closed = []

    class Closing(RecordingChannel):
        async def close(self) -> None:
            closed.append(self.name)
            if self.name == "bad":
                raise OSError("no")

    channels = build_channels([Closing("bad"), Closing("good"), LogChannel()])
    with capture_logs() as logs:
        await close_channels(channels)

    assert closed == ["bad", "good"]
    assert [(line["event"], line["channel"]) for line in logs] == [("channel_not_closed", "bad")]
