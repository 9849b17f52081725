"""The checker can fail: with one promise switched off, a real round is red for that reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos.plan import Size

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos.checker import Verdict

pytestmark = [pytest.mark.kafka, pytest.mark.chaos, pytest.mark.timeout(300)]

AT_WORK = ((8.0, 11.0),)
"""Every fault hits workers that are long back at work."""
KILLS = Size(events=600, faults=2, poisons=0, kinds=("kill",), pauses_s=AT_WORK, slow=0.5)
STOPS = Size(events=600, faults=2, poisons=0, kinds=("stop",), pauses_s=AT_WORK, slow=0.5)
# Nothing slow: it would hold the commit position back, and with it what the switch lets go.
FAST = Size(events=1500, faults=2, poisons=0, kinds=("kill",), pauses_s=AT_WORK, slow=0.0)
FAILURES = Size(events=150, faults=3, poisons=0, kinds=("kill",), pauses_s=AT_WORK, only=("fail",))

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
