"""Ninety seconds of chaos with a new seed: every promise holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos.plan import Size

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos.checker import Verdict

pytestmark = [pytest.mark.kafka, pytest.mark.chaos, pytest.mark.timeout(300)]


def test_every_promise_holds(play_round: Callable[..., Verdict]) -> None:
    """Without poison, whose five deaths need more time than this test has: `make chaos` has it."""
    verdict = play_round(
        Size(events=1000, faults=4, poisons=0, within_s=28.0, frozen_s=(9.0, 16.0))
    )

    assert verdict.green, verdict.line()
