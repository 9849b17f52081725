"""Databases for the tests of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from support.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new/records.db"
    running: Postgres = request.getfixturevalue("postgres")
    return running.url


@pytest.fixture
def leads() -> str:
    """A table of the test's own: the tests share one PostgreSQL."""
    return f"leads_{uuid4().hex[:12]}"
