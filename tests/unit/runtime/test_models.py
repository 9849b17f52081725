"""Who answers `ctx.llm`, by the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from streamagents.errors import ConfigurationError
from streamagents.llm.providers.anthropic import AnthropicModel
from streamagents.llm.providers.replay import RecordingModel, ReplayModel
from streamagents.llm.providers.rules import RulesModel
from streamagents.runtime.models import build_model, close_model, open_model
from streamagents.settings import Settings, load_settings
from streamagents.testing import FakeModel

KEY = {"ANTHROPIC_API_KEY": "sk-ant-secret"}
FILE = {"STREAMAGENTS_LLM_RECORDINGS": "answers.jsonl"}


def settings(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load_settings()


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({}, RulesModel),
        (KEY, AnthropicModel),
        ({"ANTHROPIC_AUTH_TOKEN": "token"}, AnthropicModel),
        ({"ANTHROPIC_API_KEY": ""}, RulesModel),
        ({**KEY, "STREAMAGENTS_LLM": "rules"}, RulesModel),
        ({**KEY, "STREAMAGENTS_LLM": "anthropic"}, AnthropicModel),
        ({**FILE, "STREAMAGENTS_LLM": "replay"}, ReplayModel),
        ({**FILE, "STREAMAGENTS_LLM_RECORD": "1"}, RecordingModel),
    ],
)
def test_the_settings_name_the_provider(
    environment: dict[str, str], kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert type(build_model(settings(monkeypatch, **environment))) is kind


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"STREAMAGENTS_LLM": "anthropic"}, "There is no key for the model"),
        ({"STREAMAGENTS_LLM": "replay"}, "set STREAMAGENTS_LLM_RECORDINGS=FILE"),
        ({"STREAMAGENTS_LLM_RECORD": "1"}, "set STREAMAGENTS_LLM_RECORDINGS=FILE"),
        (
            {**FILE, "STREAMAGENTS_LLM": "replay", "STREAMAGENTS_LLM_RECORD": "1"},
            "unset one of the two",
        ),
        ({**KEY, "ANTHROPIC_BASE_URL": "localhost"}, "ANTHROPIC_BASE_URL is no address"),
    ],
)
def test_what_cannot_work_is_said_in_words(
    environment: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        build_model(settings(monkeypatch, **environment))


def test_a_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert KEY["ANTHROPIC_API_KEY"] not in repr(settings(monkeypatch, **KEY))


def test_faults_are_told_under_the_names_of_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="STREAMAGENTS_LLM: Input should be 'anthropic'"):
        settings(monkeypatch, STREAMAGENTS_LLM="gpt")


async def test_the_start_says_who_answers() -> None:
    with capture_logs() as lines:
        await open_model(RulesModel(), "m")
        await open_model(FakeModel(), "m")

    rules, fake = lines
    assert (rules["provider"], rules["log_level"]) == ("rules", "warning")
    assert "set ANTHROPIC_API_KEY" in rules["hint"]
    assert (fake["provider"], fake["model"]) == ("fake", "m")


async def test_a_recordings_file_that_is_missing_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"answers\.jsonl cannot be read: No such file"):
        await open_model(ReplayModel(tmp_path / "answers.jsonl"), "m")


async def test_a_model_that_cannot_close_stops_nobody() -> None:
    class Stuck(FakeModel):
        async def close(self) -> None:
            raise OSError("no")

    with capture_logs() as lines:
        await close_model(Stuck())

    assert [line["event"] for line in lines] == ["model_not_closed"]


def test_recordings_are_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    given: Any = settings(monkeypatch, **FILE).llm_recordings

    assert given == Path("answers.jsonl")
