"""The channel `log`: an effect that is seen, and that needs nobody outside."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from pydantic import Field, JsonValue

from streamagents.actions.action import Action

if TYPE_CHECKING:
    from streamagents.actions.channel import Effect

log = structlog.stdlib.get_logger(__package__)


class LogLine(Action, via="log"):
    """A line for whoever reads the worker's log."""

    text: str
    fields: dict[str, JsonValue] = Field(default_factory=dict)
    """What is logged beside it."""


class LogChannel:
    """Logs through structlog, at least once; every application has it."""

    name = "log"
    action = LogLine

    async def send(self, action: LogLine, effect: Effect) -> None:
        """Log one line. Never raises: a log that cannot be written is nothing to try again."""
        with suppress(Exception):
            log.info("log_line", text=action.text, effect=effect.id, fields=action.fields)
