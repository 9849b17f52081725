"""Tools: what a model may call, made of typed functions, and those that come with the house."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from streamagents.llm.tools.recent import RecentEvents
from streamagents.llm.tools.records import Records
from streamagents.llm.tools.tool import Tool, tool

if TYPE_CHECKING:
    from streamagents.llm.tools.fetch import FetchPage
    from streamagents.llm.tools.pages import Page

__all__ = ["FetchPage", "Page", "RecentEvents", "Records", "Tool", "tool"]

_LAZY = {"FetchPage": "fetch", "Page": "pages"}


def __getattr__(name: str) -> Any:
    """Load what needs an HTTP client only when somebody asks for it."""
    if name in _LAZY:
        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
