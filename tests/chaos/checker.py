"""The checker: judges a round by its plan, its journal, its faults and its raw topics.

Imports nothing of the package. `python -m chaos.checker FOLDER` judges a kept round again.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos import rules_effects as effects
from chaos import rules_keys as keys
from chaos import rules_letters as letters
from chaos import rules_outcomes as outcomes
from chaos import rules_runs as runs
from chaos import rules_state as state
from chaos import rules_steps as steps
from chaos import rules_waits as waits
from chaos.counts import count
from chaos.evidence import load
from chaos.faultlog import FaultLog
from chaos.outbox import Outbox

if TYPE_CHECKING:
    from chaos.evidence import Evidence

_EXAMPLES = 3
LOST_BY_BROKER = "broker_lost"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found; green if nothing."""

    broken: dict[str, list[str]]
    """By rule, how it was broken."""
    tally: dict[str, Any]

    @property
    def green(self) -> bool:
        """Whether every promise was kept."""
        return not self.broken

    @property
    def word(self) -> str:
        """`VOID`, if the brokers lost what they had acknowledged: the round proves nothing."""
        if LOST_BY_BROKER in self.broken:
            return "VOID"
        return "GREEN" if self.green else "RED"

    def row(self) -> dict[str, Any]:
        """As JSON has it."""
        reds = {
            rule: {"count": len(found), "examples": found[:_EXAMPLES]}
            for rule, found in self.broken.items()
        }
        return {"verdict": self.word, **self.tally, **({"red": reds} if reds else {})}

    def line(self) -> str:
        """As one line of JSON."""
        return json.dumps(self.row())


def judge(evidence: Evidence) -> Verdict:
    """Hold every rule against a round."""
    faults, outbox = FaultLog(evidence.faults, evidence.durable), Outbox(evidence)
    broken: dict[str, list[str]] = defaultdict(list)
    for rule, what in chain(
        outcomes.finished(evidence),
        outcomes.kept(evidence),
        outcomes.nothing_lost(evidence),
        outcomes.emitted_once(evidence),
        outcomes.foreign_sees_once(evidence),
        letters.letters_right(evidence),
        runs.ran_again(evidence, faults),
        runs.redone_bounded(evidence, faults),
        runs.as_asked(evidence, faults),
        runs.attempts_kept(evidence, faults),
        runs.bound_kept(evidence),
        keys.keys_in_order(evidence),
        keys.emitted_in_order(evidence),
        keys.keys_alone(evidence, faults),
        steps.steps_right(evidence),
        steps.paid_once(evidence, faults),
        steps.repaid_bounded(evidence, faults),
        state.counted_right(evidence),
        waits.delayed_right(evidence, faults),
        waits.parked_right(evidence, faults),
        effects.decided_once(outbox),
        effects.delivered_once(outbox, faults),
        effects.nothing_settled_again(outbox, faults),
        effects.keys_of_peers(outbox),
        effects.effects_in_order(outbox),
        effects.channels_bounded(outbox),
    ):
        broken[rule].append(what)
    return Verdict(dict(broken), count(evidence, faults, outbox))


if __name__ == "__main__":
    verdict = judge(load(Path(sys.argv[1])))
    sys.stdout.write(verdict.line() + "\n")
    sys.exit(not verdict.green)
