"""streamagents: AI agents that hear the world.

Events land on typed Kafka topics, plain Python agents handle them, nothing is lost and nothing
that finished runs again. Importing this package loads neither Faust nor an LLM SDK.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from streamagents.agents import Context, Route
from streamagents.errors import Reject, RetryLater
from streamagents.events import Event

if TYPE_CHECKING:
    from streamagents.runtime.app import create_app
    from streamagents.starter.app import app

__all__ = ["Context", "Event", "Reject", "RetryLater", "Route", "app", "create_app"]

_LAZY = {"create_app": "streamagents.runtime.app", "app": "streamagents.starter.app"}


def __getattr__(name: str) -> Any:
    """Load what needs Faust only when somebody asks for it, as `faust -A streamagents` does."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
