"""The channel that every application has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from structlog.testing import capture_logs

from streamagents.actions import Effect, LogChannel, LogLine
from streamagents.actions import log as module

if TYPE_CHECKING:
    import pytest

EFFECT = Effect(id="e-1/act-1")


async def test_a_line_is_logged_with_its_fields_and_its_effect() -> None:
    line = LogLine(text="a lead came in", fields={"event": "shadowed", "level": "x", "score": 7})

    with capture_logs() as logs:
        await LogChannel().send(line, EFFECT)

    assert logs == [
        {
            "event": "log_line",
            "log_level": "info",
            "text": "a lead came in",
            "effect": "e-1/act-1",
            "fields": {"event": "shadowed", "level": "x", "score": 7},
        }
    ]


async def test_a_log_that_is_broken_does_not_fail_the_effect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken:
        def info(self, *_: Any, **__: Any) -> None:
            raise OSError("no space left on device")

    monkeypatch.setattr(module, "log", Broken())

    await LogChannel().send(LogLine(text="x"), EFFECT)
