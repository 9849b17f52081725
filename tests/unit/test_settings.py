"""The environment, read once."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamagents.errors import ConfigurationError
from streamagents.settings import load_settings


def test_without_an_environment_everything_has_a_default() -> None:
    settings = load_settings()

    assert (settings.bootstrap, settings.app, settings.partitions) == (
        "127.0.0.1:9092",
        "streamagents",
        4,
    )
    assert settings.data_dir == Path.cwd() / ".streamagents"


def test_the_embedded_brokers_port_counts_while_no_broker_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STREAMAGENTS_KAFKA_PORT", "9192")
    assert load_settings().bootstrap == "127.0.0.1:9192"

    monkeypatch.setenv("STREAMAGENTS_BROKER", "a.example:9092,b.example:9092")
    assert load_settings().bootstrap == "a.example:9092,b.example:9092"


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMAGENTS_PARTITIONS", "")

    assert load_settings().partitions == 4


def test_all_faults_are_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMAGENTS_BROKER", "localhost")
    monkeypatch.setenv("STREAMAGENTS_PARTITIONS", "0")
    monkeypatch.setenv("STREAMAGENTS_TOPIC_PREFIX", "a b")

    with pytest.raises(ConfigurationError) as refused:
        load_settings()

    said = str(refused.value)
    assert "STREAMAGENTS_BROKER: 'localhost' is not host:port;" in said
    assert "STREAMAGENTS_PARTITIONS: Input should be greater than or equal to 1" in said
    assert "STREAMAGENTS_TOPIC_PREFIX: " in said


@pytest.mark.parametrize("broker", ["host", "host:", ":9092", "host:0", "host:65536", "a:1,b"])
def test_a_broker_is_host_and_port(broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMAGENTS_BROKER", broker)

    with pytest.raises(ConfigurationError, match="is not host:port"):
        load_settings()
