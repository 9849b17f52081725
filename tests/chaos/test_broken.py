"""The checker can fail: with one promise switched off, a real round is red for that reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chaos.plan import Size

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos.checker import Verdict

# Minutes for each switch: `make chaos` runs them before its rounds, `make test` does not.
pytestmark = [pytest.mark.kafka, pytest.mark.long, pytest.mark.timeout(300)]

KILLS = Size(
    events=600,
    faults=2,
    poisons=0,
    kinds=("kill",),
    pauses_s=((8.0, 11.0),),
    slow=0.5,
    busiest=1.0,
)
# So long that the others have taken over, drained and run again what the frozen one still holds.
STOPS = replace(KILLS, faults=1, kinds=("stop",), frozen_s=(24.0, 26.0))
# Nothing slow: it would hold the commit position back, and with it what the switch lets go.
FAST = replace(KILLS, events=1500, slow=0.0)
FAILURES = replace(KILLS, events=150, only=("fail",))

SWITCHED = {
    "early_commit": (KILLS, "lost"),
    "mark_late": (FAST, "lost"),
    "no_fence": (STOPS, "emitted_twice"),
    "forgetful": (FAILURES, "attempts"),
}


@pytest.mark.parametrize("switch", SWITCHED)
def test_a_switched_off_promise_is_red(switch: str, play_round: Callable[..., Verdict]) -> None:
    size, rule = SWITCHED[switch]

    verdict = play_round(size, f"chaos.broken.{switch}")

    assert rule in verdict.broken, verdict.line()
