"""The environment, read once."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from streamagents.errors import ConfigurationError
from streamagents.settings import Settings, load_settings
from streamagents.settings.sources import is_secret


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


@pytest.mark.parametrize(
    "variable",
    [
        "STREAMAGENTS_SLACK_WEBHOOK_URL",
        "STREAMAGENTS_SMTP_PASSWORD",
        "STREAMAGENTS_DATABASE_URL",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
    ],
)
def test_a_secret_may_lie_in_a_file(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text(" s3cret \n")
    monkeypatch.setenv(f"{variable}_FILE", str(tmp_path / "secret"))

    found = getattr(load_settings(), variable.removeprefix("STREAMAGENTS_").lower())

    assert found.get_secret_value() == " s3cret "
    assert "s3cret" not in repr(load_settings())


def test_every_secret_may_lie_in_a_file() -> None:
    """By its type, so that a new one needs no thought."""
    secrets = {name for name, field in Settings.model_fields.items() if is_secret(field.annotation)}

    assert secrets >= {"slack_webhooks", "http_secrets", "smtp_password", "anthropic_api_key"}
    words = {"key", "secret", "secrets", "token", "password", "webhook", "webhooks"}
    named = {name for name in Settings.model_fields if words & set(name.split("_"))}
    assert named <= secrets


def test_several_secrets_may_lie_in_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hooks").write_text('{"#leads": "https://a", "*": "https://b"}\n')
    (tmp_path / "keys").write_text("whsec_a, whsec_b\n")
    monkeypatch.setenv("STREAMAGENTS_SLACK_WEBHOOKS_FILE", str(tmp_path / "hooks"))
    monkeypatch.setenv("STREAMAGENTS_HTTP_SECRETS_FILE", str(tmp_path / "keys"))

    settings = load_settings()

    hooks = {name: url.get_secret_value() for name, url in settings.slack_webhooks.items()}
    assert hooks == {"#leads": "https://a", "*": "https://b"}
    assert [key.get_secret_value() for key in settings.http_secrets] == ["whsec_a", "whsec_b"]


def test_faults_of_secrets_are_told_without_the_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    monkeypatch.setenv("STREAMAGENTS_SMTP_PASSWORD", "marker")
    monkeypatch.setenv("STREAMAGENTS_SMTP_PASSWORD_FILE", "/run/password")
    monkeypatch.setenv("STREAMAGENTS_SLACK_WEBHOOK_URL_FILE", "/nowhere/url")
    monkeypatch.setenv("ANTHROPIC_API_KEY_FILE", str(tmp_path / "bytes"))
    monkeypatch.setenv("STREAMAGENTS_SLACK_WEBHOOKS", "https://marker")
    monkeypatch.setenv("STREAMAGENTS_SMTP_TLS", "maybe")

    with pytest.raises(ConfigurationError) as refused:
        load_settings()

    said = str(refused.value)
    assert (
        "STREAMAGENTS_SMTP_PASSWORD: is set, and so is STREAMAGENTS_SMTP_PASSWORD_FILE: unset one"
    ) in said
    assert (
        "STREAMAGENTS_SLACK_WEBHOOK_URL: its file /nowhere/url cannot be read: No such file"
    ) in said
    assert f"ANTHROPIC_API_KEY: its file {tmp_path}/bytes cannot be read: it is no text" in said
    assert "STREAMAGENTS_SLACK_WEBHOOKS: is no JSON object" in said
    assert "STREAMAGENTS_SMTP_TLS: Input should be 'starttls', 'implicit' or 'none'" in said
    shown = "".join(traceback.format_exception(refused.value))
    assert "marker" not in shown


def test_lists_stand_between_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMAGENTS_EMAIL_ALLOW", "ann@example.com, @shop.example,")
    monkeypatch.setenv("STREAMAGENTS_HTTP_ALLOW_HOSTS", "*")
    monkeypatch.setenv("STREAMAGENTS_ALLOW_PRIVATE_HOSTS", "crm.internal:8080")

    settings = load_settings()

    assert settings.email_allow == ("ann@example.com", "@shop.example")
    assert settings.http_allow_hosts == ("*",)
    assert settings.allow_private_hosts == ("crm.internal:8080",)
    assert settings.http_secrets == ()


@pytest.mark.parametrize(
    "name", ["MODEL_RATES", "MODEL_PRICES", "SCHEDULES", "MONITORS", "WATCH", "BRIDGES"]
)
@pytest.mark.parametrize("value", ["{", "7", "[1]", "{'single': 'quotes'}"])
def test_json_that_is_none_is_told_in_the_one_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"STREAMAGENTS_{name}", value)

    with pytest.raises(ConfigurationError, match=f"STREAMAGENTS_{name}: "):
        load_settings()


def test_a_fault_inside_of_json_is_named_by_its_variable_and_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There is no variable for each part of it."""
    monkeypatch.setenv("STREAMAGENTS_WATCH", '{"a": {"path": "inbox"}}')

    with pytest.raises(ConfigurationError, match=r"STREAMAGENTS_WATCH at a\.type: Field required"):
        load_settings()
