"""Agents: the registry of plain classes with a `run()`, their policies, and what they may touch."""

from streamagents.agents.context import Context, EventInfo
from streamagents.agents.policy import Route
from streamagents.agents.registry import Registration, Registry, build_registry

__all__ = ["Context", "EventInfo", "Registration", "Registry", "Route", "build_registry"]
