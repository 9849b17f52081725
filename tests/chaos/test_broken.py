"""The checker can fail: with one promise switched off, a real round is red for that reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chaos.size import Size

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos.checker import Verdict

# Minutes for each switch: `make chaos` runs them before its rounds, `make test` does not.
pytestmark = [pytest.mark.kafka, pytest.mark.long, pytest.mark.timeout(400)]

KILLS = Size(
    events=600,
    faults=2,
    poisons=0,
    kinds=("kill",),
    deeds=("counts",),
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
    "stock_consumer": (KILLS, {"lost"}),
    "unawaited_changelog": (FAST, {"lost"}),
    "mark_after_commit": (FAST, {"ran_again", "emitted_twice"}),
    "no_fence": (STOPS, {"emitted_twice"}),
    "attempts_in_memory": (FAILURES, {"attempts"}),
}


@pytest.mark.parametrize("switch", SWITCHED)
def test_a_switched_off_promise_is_red(switch: str, play_round: Callable[..., Verdict]) -> None:
    size, rules = SWITCHED[switch]

    verdict = play_round(size, f"chaos.broken.{switch}")

    assert rules <= set(verdict.broken), verdict.line()
