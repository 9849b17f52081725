"""`create_app`: from a registry to a real Faust app.

The tests are coroutines because Faust asks for an event loop, and would make its own.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import faust
import pytest

from streamagents import create_app
from streamagents.agents import Route
from streamagents.errors import ConfigurationError
from streamagents.events import Event
from streamagents.runtime.app import StreamApp, load_app
from streamagents.settings import Settings
from streamagents.testing import RecordingChannel
from support.commands import CHECKOUT
from support.records import Anything, Order, Receipt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Wide(Event, topic="wide", type="com.shop.wide", partitions=16):
    """Has a number of partitions of its own."""


class OrderAgent:
    async def run(self, order: Order) -> list[Receipt]:
        return []


class WideAgent:
    async def run(self, event: Wide) -> None: ...


AGENTS = {"order": Route(OrderAgent(), attempts=5), "com.shop.wide": WideAgent()}


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., StreamApp]:
    def build(
        name: str = "shop", agents: Any = AGENTS, channels: Any = (), **settings: Any
    ) -> StreamApp:
        return create_app(
            name,
            agents=agents,
            fallback=Anything(),
            channels=channels,
            settings=Settings(data_dir=tmp_path, **settings),
        )

    return build


async def test_the_app_is_fausts(build: Callable[..., StreamApp]) -> None:
    app = build()

    assert isinstance(app, faust.App)
    assert app.conf.id == "shop"


async def test_every_consumed_topic_has_a_stream_of_its_own(
    build: Callable[..., StreamApp],
) -> None:
    assert sorted(build().agents) == [
        "shop.consume_order",
        "shop.consume_streamagents_actions",
        "shop.consume_streamagents_inbox",
        "shop.consume_wide",
    ]


async def test_there_is_a_state_table_for_each_number_of_partitions(
    build: Callable[..., StreamApp],
) -> None:
    tables = build().tables.data

    assert {name: table.partitions for name, table in tables.items()} == {
        "state-p4": 4,
        "state-p16": 16,
    }


async def test_the_specs_are_all_topics_that_are_read_or_written(
    build: Callable[..., StreamApp],
) -> None:
    specs = {spec.name: spec.partitions for spec in build().specs()}

    assert specs == {
        "order": 4,
        "wide": 16,
        "streamagents.inbox": 4,
        "streamagents.actions": 4,
        "receipt": 4,
        "order.dlq": 4,
        "wide.dlq": 16,
        "streamagents.inbox.dlq": 4,
        "streamagents.actions.dlq": 4,
        "streamagents.letters": 4,
        "streamagents.audit": 4,
        "shop-state-p4-changelog": 4,
        "shop-state-p16-changelog": 16,
    }


async def test_a_prefix_covers_topics_group_and_changelogs(build: Callable[..., StreamApp]) -> None:
    app = build(topic_prefix="test.", partitions=2)

    assert app.conf.id == "test.shop"
    assert all(spec.name.startswith("test.") for spec in app.specs())
    assert {t.changelog_topic_name for t in app.tables.values()} <= {s.name for s in app.specs()}


async def test_faust_names_the_changelogs_as_we_create_them(
    build: Callable[..., StreamApp],
) -> None:
    app = build()
    ours = {spec.name for spec in app.specs() if spec.name.endswith("-changelog")}

    assert {table.changelog_topic_name for table in app.tables.values()} == ours


async def test_the_settings_reach_faust(build: Callable[..., StreamApp], tmp_path: Path) -> None:
    app = build(broker="a:1, b:2", session_timeout_s=9)

    assert [str(url) for url in app.conf.broker] == ["kafka://a:1", "kafka://b:2"]
    assert app.conf.broker_session_timeout == 9
    assert app.conf.broker_heartbeat_interval == 3
    assert app.conf.datadir == tmp_path / "shop"
    assert app.conf.web_bind == "127.0.0.1"


async def test_an_app_of_a_fallback_alone_reads_the_inbox_and_its_outbox(
    build: Callable[..., StreamApp],
) -> None:
    assert sorted(build(agents={}).agents) == [
        "shop.consume_streamagents_actions",
        "shop.consume_streamagents_inbox",
    ]


async def test_the_topics_of_one_agent_have_to_be_cut_alike(
    build: Callable[..., StreamApp],
) -> None:
    """Its state belongs to a key, whichever type it comes with."""

    class Both:
        def __init__(self, run: Any) -> None:
            self.run = run

    async def take_order(event: Order) -> None: ...

    async def take_wide(event: Wide) -> None: ...

    agents = {"order": Both(take_order), "com.shop.wide": Both(take_wide)}
    with pytest.raises(ConfigurationError, match=r"Both serves order with 4 .* wide with 16"):
        build(agents=agents)


@pytest.mark.parametrize(
    "name", ["", " ", "my app", "shop/eu", "-shop", ".shop", "shop\n", "ä", "x" * 81, "a:b"]
)
async def test_a_name_that_kafka_would_not_take_is_refused(
    build: Callable[..., StreamApp], name: str
) -> None:
    with pytest.raises(ConfigurationError, match="a name has 1 to 80"):
        build(name)


@pytest.mark.parametrize("name", ["s", "shop", "Shop.eu_1-x", "0", "x" * 80])
async def test_a_name_that_kafka_takes_is_taken(build: Callable[..., StreamApp], name: str) -> None:
    assert build(name).conf.id == name


async def test_a_registry_that_cannot_work_is_refused(build: Callable[..., StreamApp]) -> None:
    with pytest.raises(ConfigurationError, match="register an object"):
        build(agents={"order": OrderAgent})


async def test_a_budget_of_fewer_tokens_than_slices_is_refused(
    build: Callable[..., StreamApp],
) -> None:
    with pytest.raises(ConfigurationError, match="19 tokens a day for 20 state partitions"):
        build(anthropic_api_key="sk-ant-1234567890", budget_tokens_per_day=19)
    build(anthropic_api_key="sk-ant-1234567890", budget_tokens_per_day=20)


async def test_faulty_settings_are_refused_when_the_app_is_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STREAMAGENTS_PARTITIONS", "many")

    with pytest.raises(ConfigurationError, match="STREAMAGENTS_PARTITIONS"):
        create_app("shop", agents={}, fallback=Anything())


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_module_that_does_not_exist_is_refused(modules: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no module 'nowhere_at_all'.*faust -A MODULE"):
        load_app("nowhere_at_all")


@pytest.mark.parametrize("text", ["", "app = 1", "import faust\napp = None"])
def test_a_module_without_an_application_is_refused(modules: Path, text: str) -> None:
    name = f"empty_module_{abs(hash(text))}"
    (modules / f"{name}.py").write_text(text)

    with pytest.raises(ConfigurationError, match=rf"{name}' has no `app = create_app"):
        load_app(name)
    with pytest.raises(ConfigurationError, match="has no `shop = create_app"):
        load_app(f"{name}:shop")


def test_a_module_that_misses_another_names_that_one(modules: Path) -> None:
    (modules / "broken_import_module.py").write_text("import missing_library\n")

    with pytest.raises(ConfigurationError, match="no module 'missing_library'"):
        load_app("broken_import_module")


def test_an_application_is_found_by_its_module_and_attribute(tmp_path: Path) -> None:
    """In a process of its own: importing the starter app is not for every test's process."""
    script = (
        "from streamagents.runtime.app import load_app;"
        "print(load_app('streamagents').conf.id == load_app('streamagents:app').conf.id)"
    )
    env = {"PYTHONPATH": str(CHECKOUT), "STREAMAGENTS_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=tmp_path,
    )

    assert done.stdout.strip() == "True"


@pytest.mark.parametrize("web", [True, False])
async def test_fausts_web_server_runs_only_where_our_setting_asks(
    shop: StreamApp,
    web: bool,  # noqa: FBT001 - a case
) -> None:
    shop.settings = shop.settings.model_copy(update={"faust_web": web})
    shop.conf.web_enabled = True

    assert shop.boot_strategy._should_enable_web() is web


async def test_a_worker_that_stops_closes_its_channels(build: Callable[..., StreamApp]) -> None:
    closed = []

    class Closing(RecordingChannel):
        async def close(self) -> None:
            closed.append(self.name)

    app = build(channels=[Closing("sms"), Closing("fax")])
    await app.on_stop()

    assert closed == ["sms", "fax"]
