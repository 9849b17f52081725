"""A fleet for each test: the jobs application under a prefix of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.workers import Fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker


@pytest.fixture
async def fleet(broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Fleet]:
    """The jobs application on the shared broker; no worker runs yet."""
    async with Fleet(broker.address, tmp_path) as fleet:
        yield fleet
