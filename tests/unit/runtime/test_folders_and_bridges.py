"""What an application and its settings name, and what is refused before anything runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from streamagents import Event, create_app
from streamagents.bus.group import KafkaGroup
from streamagents.errors import ConfigurationError
from streamagents.runtime.bridges import bridge, bridges_of, has_bridges, queue_of
from streamagents.runtime.folders import folders_of, has_folders, watch
from streamagents.settings import load_settings
from streamagents.testing import MemoryQueue
from streamagents.triggers.bridge import Bridge, KafkaQueue
from streamagents.triggers.files import Folder

if TYPE_CHECKING:
    from pathlib import Path


class Sale(Event, topic="sale", id=None):
    n: int


class Leftovers:
    async def run(self, event: dict[str, Any]) -> None: ...


def app(*triggers: Any) -> Any:
    return create_app("ears", agents={}, fallback=Leftovers(), triggers=triggers)


def test_an_application_without_them_has_none() -> None:
    assert not has_folders(app())
    assert not has_bridges(app())


def test_those_of_the_application_and_of_the_settings_are_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = {"path": str(tmp_path), "type": "sale", "pattern": "*.csv", "fields": {"n": "no"}}
    monkeypatch.setenv("STREAMAGENTS_WATCH", json.dumps({"b": folder}))
    old = {"type": "sale", "redis": {"stream": "s", "url": "redis://:pass-marker@h"}, "id": "no"}
    monkeypatch.setenv("STREAMAGENTS_BRIDGES", json.dumps({"d": old}))
    made = app(Folder("a", tmp_path, to=Sale), Bridge("c", MemoryQueue(), to=Sale))

    assert set(folders_of(made)) == {"a", "b"}
    assert list(folders_of(made)["b"].patterns) == ["*.csv"]
    assert set(bridges_of(made)) == {"c", "d"}
    assert has_folders(made)
    assert has_bridges(made)
    assert "pass-marker" not in repr(made.settings)
    assert "sale" in made.registry.events


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("WATCH", '{"a": {"type": "sale"}}', "Field required"),
        ("WATCH", '{"a": {"type": "sale", "path": ".", "typo": 1}}', "Extra inputs"),
        ("WATCH", "[]", "dictionary"),
        ("BRIDGES", '{"a": {"type": "sale"}}', "name one queue: kafka, redis or sqs"),
        ("BRIDGES", '{"a": {"type": "s", "redis": {"stream": "s"}}}', "Field required"),
        ("BRIDGES", "nonsense with a secret", "is no JSON"),
    ],
)
def test_a_fault_of_a_setting_is_told_and_not_its_value(
    variable: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"STREAMAGENTS_{variable}", value)

    with pytest.raises(ConfigurationError, match=words) as told:
        load_settings()

    assert f"STREAMAGENTS_{variable}" in str(told.value)
    assert "secret" not in str(told.value)


def test_bridges_may_lie_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bridges").write_text('{"a": {"type": "sale", "sqs": {"url": "http://h/q"}}}\n')
    monkeypatch.setenv("STREAMAGENTS_BRIDGES_FILE", str(tmp_path / "bridges"))

    assert load_settings().bridges["a"].bridge("a").type == "sale"


def test_two_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder("a", tmp_path, to=Sale)
    with pytest.raises(ConfigurationError, match="Two folders are named 'a'"):
        folders_of(app(folder, folder))
    one = Bridge("a", MemoryQueue(), to=Sale)
    with pytest.raises(ConfigurationError, match="Two bridges are named 'a'"):
        bridges_of(app(one, one))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is no folder: make it"):
        watch(app(Folder("a", tmp_path / "nowhere", to=Sale)), [])


def test_a_name_that_is_none_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no folder named 'x', there is a"):
        watch(app(Folder("a", tmp_path, to=Sale)), ["x"])
    with pytest.raises(ConfigurationError, match="no bridge named 'x', there is a"):
        bridge(app(Bridge("a", MemoryQueue(), to=Sale)), ["x"])


@pytest.mark.parametrize("to", [Sale, "nobody_knows_it"])
def test_a_bridge_that_would_feed_itself_is_refused(to: Any) -> None:
    topic = "sale" if to is Sale else "streamagents.inbox"
    one = Bridge("a", KafkaQueue(topic=topic), to=to)
    made = app(one)

    with pytest.raises(ConfigurationError, match="would read what it writes"):
        queue_of(made, one)


def test_a_foreign_kafka_is_reached_with_what_was_said_of_it() -> None:
    queue = KafkaQueue(
        topic="t",
        bootstrap="old.example:9093",
        security="SASL_SSL",
        mechanism="SCRAM-SHA-512",
        username="ada",
        password=SecretStr("marker"),
    )
    made = queue_of(app(), Bridge("a", queue, to="sale"))

    assert isinstance(made, KafkaGroup)
    assert made._access == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "ada",
        "sasl_plain_password": "marker",
    }
    assert made._group == "ears-bridge-a"
    assert "marker" not in repr(queue)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "a b"}, "a name has 1 to 40"),
        ({"patterns": "*.csv"}, "say a list"),
        ({"patterns": []}, "say a list"),
        ({"patterns": ["/etc/*"]}, "relative to the folder"),
        ({"patterns": ["../*"]}, "relative to the folder"),
        ({"rows": "xml"}, "say one of csv, jsonl, json, file"),
        ({"settle_s": -1}, "say seconds"),
        ({"settle_s": True}, "say seconds"),
        ({"delimiter": ";;"}, "one character"),
        ({"encoding": "utf-9"}, "no such encoding"),
        ({"encoding": "hex"}, "no such encoding"),
        ({"done": "."}, "the folder itself"),
        ({"failed": ""}, "the folder itself"),
        ({"fields": {"n": "["}}, "no JMESPath"),
        ({"fields": ["n"]}, "say expressions by field"),
    ],
)
def test_a_folder_that_cannot_work_is_refused_when_it_is_declared(
    options: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Folder(**{"name": "a", "path": tmp_path, "to": Sale, **options})
