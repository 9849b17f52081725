"""Fixtures of the chaos suite: a round in a folder that a red one leaves behind."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

import pytest

from chaos.plan import make_plan
from chaos.round import Stage, play

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chaos.checker import Verdict
    from chaos.plan import Size


@pytest.fixture
def seed() -> int:
    """A new one each time; `CHAOS_SEED` repeats one."""
    return int(os.environ.get("CHAOS_SEED") or secrets.randbelow(1_000_000))


@pytest.fixture
def play_round(kafka_runs: None, tmp_path: Path, seed: int) -> Callable[..., Verdict]:
    """Play a round of some size; what it leaves is in the test's temporary folder."""

    def run(size: Size, app: str = "chaos.app", *, limit_s: float = 90.0) -> Verdict:
        print(f"CHAOS_SEED={seed}", tmp_path)  # noqa: T201 - shown with a failure
        return play(
            make_plan(seed, size), Stage(folder=tmp_path / "round", app=app, limit_s=limit_s)
        )

    return run
