"""A broker of the drill's own, for what befalls it."""

from __future__ import annotations

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
