"""Fixtures for tests against a real broker: names of their own."""

from __future__ import annotations

import uuid

import pytest


@pytest.fixture
def topic() -> str:
    """The name of a topic that nobody else uses on the shared broker."""
    return f"t-{uuid.uuid4().hex[:12]}"
