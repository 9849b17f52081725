"""A site that does what it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.http_peer import HttpPeer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def peer() -> AsyncIterator[HttpPeer]:
    async with HttpPeer() as running:
        yield running
