"""A worker's pages: where it listens, and what it looks at."""

from __future__ import annotations

import asyncio
import json
import urllib.request
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from faust.sensors import Monitor
from faust.types import TP
from prometheus_client.parser import text_string_to_metric_families

from streamagents import create_app
from streamagents.devkit.sockets import free_port
from streamagents.errors import ConfigurationError
from streamagents.runtime.announcing import Announced, announced, this_process
from streamagents.runtime.internals.handles import count_received
from streamagents.runtime.web import start_web
from streamagents.settings import Settings
from support import wait_until_async
from support.records import Order  # noqa: TC001 - create_app reads the annotation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from streamagents.runtime.app import StreamApp


class Orders:
    """Takes orders."""

    async def run(self, order: Order) -> None: ...


class Rest:
    """The fallback."""

    async def run(self, event: dict[str, Any]) -> None: ...


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., StreamApp]:
    """Builds an application with these settings."""

    def build(**settings: Any) -> StreamApp:
        settings = {"broker": "127.0.0.1:1", "data_dir": tmp_path, **settings}
        agents = {"order": Orders()}
        return create_app("shop", agents=agents, fallback=Rest(), settings=Settings(**settings))

    return build


@pytest.fixture
async def started(build: Callable[..., StreamApp]) -> AsyncIterator[Callable[..., StreamApp]]:
    """Builds an application with these settings, and lets it look and be looked at."""
    apps: list[StreamApp] = []

    def start(port: int | None = None, *, without: bool = False, **settings: Any) -> StreamApp:
        app = build(**settings)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Faust's own command line is as late
            if without:
                app.conf.web_enabled = False
            if port is not None:
                app.conf.web_port = port
        start_web(app)
        apps.append(app)
        return app

    yield start
    for app in apps:
        await app.lookout.stop()
        app.web_pages.stop()


async def get(port: int, path: str) -> str:
    def ask() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    return await asyncio.to_thread(ask)


async def test_the_settings_say_where(started: Callable[..., StreamApp]) -> None:
    port = free_port()
    started(web_port=port)

    assert json.loads(await get(port, "/live")) == {"status": "ok", "reason": ""}


async def test_a_port_on_the_command_line_goes_before(started: Callable[..., StreamApp]) -> None:
    port, named = free_port(), free_port()
    started(named, web_port=port)

    assert json.loads(await get(named, "/live"))["status"] == "ok"
    with pytest.raises(OSError, match="refused"):
        await get(port, "/live")


@pytest.mark.parametrize("how", [{"web_port": "off"}, {"without": True}])
async def test_no_pages_where_none_are_wanted(
    started: Callable[..., StreamApp], how: dict[str, Any]
) -> None:
    app = started(**how)
    at = app.lookout.view.at

    assert app.web_pages._server is None
    await wait_until_async(lambda: app.lookout.view.at > at)


async def test_a_port_that_is_taken_is_one_sentence(started: Callable[..., StreamApp]) -> None:
    port = free_port()
    started(web_port=port)

    with pytest.raises(ConfigurationError, match="STREAMAGENTS_WEB_PORT to another port"):
        started(web_port=port)


async def test_before_it_is_prepared_it_says_what_it_waits_for(
    started: Callable[..., StreamApp],
) -> None:
    port = free_port()
    started(web_port=port)

    said = json.loads(await get(port, "/health"))
    assert (said["status"], said["reason"]) == ("starting", "a Kafka broker is waited for")
    assert said["provider"] == "rules"


def test_the_first_look_at_it_says_so_too(build: Callable[..., StreamApp]) -> None:
    """A page that is asked before the loop has turned shows what was there first."""
    assert build().lookout.view.waits_for == "a Kafka broker is waited for"


async def test_fausts_own_sensor_is_there_under_its_names(
    started: Callable[..., StreamApp],
) -> None:
    port = free_port()
    started(web_port=port)

    families = text_string_to_metric_families(await get(port, "/metrics"))
    names = {family.name for family in families}
    assert {"faust_messages_received", "faust_total_events", "streamagents_build_info"} <= names


async def test_a_look_that_fails_makes_no_worker_dead(
    started: Callable[..., StreamApp], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = started(web_port="off")

    def broken() -> Any:
        raise KeyError("a defect")

    monkeypatch.setattr(app.engine, "show", broken)
    at = app.lookout.view.at
    await wait_until_async(lambda: app.lookout.view.at > at + 0.6)


async def test_schedules_are_shown_before_their_first_slot(
    build: Callable[..., StreamApp],
) -> None:
    schedules = {"daily": {"cron": "0 9 * * *", "type": "order"}}
    metrics = build(schedules=schedules).metrics

    labels = {"schedule": "daily", "outcome": "fired"}
    assert metrics.registry.get_sample_value("streamagents_schedule_slots_total", labels) == 0


def test_a_poll_counts_in_fausts_sensor_as_its_records_would(
    build: Callable[..., StreamApp],
) -> None:
    app, tp = build(), TP("order", 3)
    for records, last in ((7, 6), (0, 9)):
        count_received(app.monitor, tp, records, last)

    assert app.monitor.messages_received_total == 7
    value = app.metrics.registry.get_sample_value
    assert value("faust_messages_received_total") == 7
    assert value("faust_messages_received_per_topic_total", {"topic": "order"}) == 7
    at = {"topic": "order", "partition": "3"}
    assert value("faust_messages_received_per_topics_partition", at) == 6


def test_a_monitor_without_prometheus_is_counted_in_too() -> None:
    monitor = Monitor()
    count_received(monitor, TP("order", 3), 7, 6)

    assert monitor.messages_received_by_topic == {"order": 7}


async def test_the_group_is_told_where_the_pages_are(started: Callable[..., StreamApp]) -> None:
    port = free_port()
    app = started(web_port=port)

    told = announced(json.dumps({"url": str(app.conf.canonical_url)}).encode())

    assert told == Announced(this_process(), "127.0.0.1", port)
    said = json.loads(await get(port, "/health"))
    assert (said["app"], said["worker"]) == (app.group, this_process())


async def test_without_pages_the_group_is_told_of_none(started: Callable[..., StreamApp]) -> None:
    app = started(web_port="off")

    told = announced(json.dumps({"url": str(app.conf.canonical_url)}).encode())

    assert told == Announced(this_process(), "127.0.0.1", 0)


async def test_why_a_monitor_fails_is_told_without_our_secrets(
    started: Callable[..., StreamApp],
) -> None:
    port = free_port()
    app = started(web_port=port, slack_webhook_url="s3cret-marker")
    reason = "https://x.example/?key=s3cret-marker answered 500"
    at = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
    app.metrics.polls.polled("rival", "failed", at, failures=3, reason=reason)

    poll = json.loads(await get(port, "/health"))["monitors"]["rival"]

    assert (poll["outcome"], poll["failures"]) == ("failed", 3)
    assert "answered 500" in poll["reason"]
    assert "s3cret-marker" not in poll["reason"]
