"""The model behind `ctx.llm`: which provider the settings name, and its beginning and end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from streamagents.errors import ConfigurationError, describe
from streamagents.llm.providers.anthropic import AnthropicModel
from streamagents.llm.providers.replay import RecordingModel, ReplayModel
from streamagents.llm.providers.rules import RulesModel

if TYPE_CHECKING:
    from pathlib import Path

    from streamagents.ports import Model
    from streamagents.settings import Settings

log = structlog.stdlib.get_logger("streamagents.runtime")

_CLOSE_S = 5.0


def build_model(settings: Settings) -> Model:
    """The provider that the settings name: with a key Claude, else rules. No SDK is loaded yet.

    Raises:
        ConfigurationError: it cannot work with these settings.
    """
    provider = settings.llm or ("anthropic" if _keys(settings) else "rules")
    if provider == "replay":
        if settings.llm_record:
            raise ConfigurationError(
                "STREAMAGENTS_LLM=replay answers from recordings, STREAMAGENTS_LLM_RECORD=1 writes "
                "them: unset one of the two."
            )
        return ReplayModel(_recordings(settings))
    model: Model = RulesModel()
    if provider == "anthropic":
        keys = _keys(settings)
        model = AnthropicModel(
            api_key=keys.get("api_key"),
            auth_token=keys.get("auth_token"),
            base_url=settings.anthropic_base_url,
        )
    return RecordingModel(model, _recordings(settings)) if settings.llm_record else model


async def open_model(model: Model, default_model: str) -> None:
    """Get the provider ready before the first event, and say who it is.

    Raises:
        ConfigurationError: it cannot answer.
    """
    await model.open()
    if model.name == "rules":
        log.warning(
            "llm_provider",
            provider="rules",
            hint="No model is configured, ctx.llm answers by rules: set ANTHROPIC_API_KEY.",
        )
    else:
        log.info("llm_provider", provider=model.name, model=default_model)


async def close_model(model: Model) -> None:
    """Give its connections back. A worker that stops is not held up by them."""
    try:
        async with asyncio.timeout(_CLOSE_S):
            await model.close()
    except Exception as exc:  # noqa: BLE001 - the process ends in any case
        log.warning("model_not_closed", error=describe(exc))


def _keys(settings: Settings) -> dict[str, str]:
    keys = {"api_key": settings.anthropic_api_key, "auth_token": settings.anthropic_auth_token}
    return {name: key.get_secret_value() for name, key in keys.items() if key is not None}


def _recordings(settings: Settings) -> Path:
    if settings.llm_recordings is None:
        raise ConfigurationError(
            "Recorded answers need a file: set STREAMAGENTS_LLM_RECORDINGS=FILE.jsonl."
        )
    return settings.llm_recordings
