"""Ninety seconds of chaos with a new seed: every promise holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos.size import Size

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos.checker import Verdict

pytestmark = [pytest.mark.kafka, pytest.mark.chaos, pytest.mark.timeout(300)]


def test_every_promise_holds(play_round: Callable[..., Verdict]) -> None:
    """Without poison, whose five deaths need more time than this test has: `make chaos` has it."""
    verdict = play_round(
        Size(
            events=800,
            faults=3,
            poisons=0,
            in_flight=(40, 80),
            slow=0.04,
            within_s=16.0,
            frozen_s=(9.0, 12.0),
        )
    )

    assert verdict.green, verdict.line()
