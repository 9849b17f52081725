"""The starter application: `faust -A streamagents worker` runs it."""

from __future__ import annotations

from streamagents.settings import load_settings
from streamagents.starter.building import build_app

__all__ = ["app"]

app = build_app(load_settings())
