"""Triggers: what turns something of the world into events."""

from streamagents.triggers.hooks.hook import Hook, To

__all__ = ["Hook", "To"]
