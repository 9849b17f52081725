"""The purse: what one event has spent on models, kept beside its steps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from streamagents.agents.steps import StepResult
from streamagents.llm.limits.spend import NOTHING, Spend

if TYPE_CHECKING:
    from streamagents.agents.steps import StepStorage
    from streamagents.llm.limits.wallet import Place

_PATH = "/spent"
"""No step of an agent can be called so: a step's name has no slash."""


class EventPurse:
    """The port `EventWallet` of one attempt.

    Args:
        place: the event's state partition.
        steps: where the event's steps are kept.
    """

    def __init__(self, place: Place, steps: StepStorage) -> None:
        self.place = place
        self._steps = steps

    def spent(self) -> Spend:
        """So far, in all attempts."""
        kept = self._steps.load(_PATH)
        return NOTHING if kept is None else Spend(*json.loads(kept.json))

    async def keep(self, spend: Spend) -> None:
        """Durable when this returns."""
        await self._steps.save(_PATH, StepResult(bytes(8), "", json.dumps(spend).encode()))
