"""Fixtures for tests against a real broker: one that a test may kill, and names of its own."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from streamagents.devkit.broker import EmbeddedBroker
from streamagents.devkit.sockets import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def own_broker(kafka_runs: None, tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """A broker that is not started yet and belongs to this test alone."""
    own = EmbeddedBroker(tmp_path, free_port())
    yield own
    own.stop()


@pytest.fixture
def topic() -> str:
    """The name of a topic that nobody else uses on the shared broker."""
    return f"t-{uuid.uuid4().hex[:12]}"
