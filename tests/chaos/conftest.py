"""Fixtures of the chaos suite: a round in a folder that a red one leaves behind."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chaos.plan import make_plan
from chaos.round import Stage, play

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chaos.checker import Verdict
    from chaos.size import Size


@pytest.fixture
def seed() -> int:
    """A new one each time; `CHAOS_SEED` repeats one."""
    return int(os.environ.get("CHAOS_SEED") or secrets.randbelow(1_000_000))


@pytest.fixture
def play_round(
    kafka_runs: None, seed: int, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Verdict]]:
    """Play a round of some size. Its folder outlives a test that fails, and says where it is."""
    folder = Path(tempfile.mkdtemp(prefix="streamagents-chaos-"))
    failed = request.session.testsfailed

    def run(size: Size, app: str = "chaos.app", *, limit_s: float = 150.0) -> Verdict:
        print(f"CHAOS_SEED={seed}: logs and data in {folder}")  # noqa: T201 - shown with a failure
        stage = Stage(folder=folder / "round", app=app, limit_s=limit_s)
        return play(make_plan(seed, size), stage)

    yield run
    if request.session.testsfailed == failed:
        shutil.rmtree(folder)
