"""The starter application: `faust -A streamagents worker` runs it."""

from __future__ import annotations

from streamagents.runtime.app import create_app
from streamagents.starter.registry import AGENT_REGISTRY, EMITS, FALLBACK

__all__ = ["AGENT_REGISTRY", "FALLBACK", "app"]

app = create_app("starter", agents=AGENT_REGISTRY, fallback=FALLBACK, emits=EMITS)
