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

from chaos import rules_outcomes as outcomes
from chaos import rules_runs as runs
from chaos.evidence import load
from chaos.faultlog import FaultLog

if TYPE_CHECKING:
    from chaos.evidence import Evidence

_EXAMPLES = 3


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

    def line(self) -> str:
        """As one line of JSON."""
        reds = {
            rule: {"count": len(found), "examples": found[:_EXAMPLES]}
            for rule, found in self.broken.items()
        }
        word = "GREEN" if self.green else "RED"
        return json.dumps({"verdict": word, **self.tally, **({"red": reds} if reds else {})})


def judge(evidence: Evidence) -> Verdict:
    """Hold every rule against a round."""
    faults = FaultLog(evidence.faults)
    broken: dict[str, list[str]] = defaultdict(list)
    for rule, what in chain(
        outcomes.finished(evidence),
        outcomes.kept(evidence),
        outcomes.nothing_lost(evidence),
        outcomes.emitted_once(evidence),
        outcomes.emitted_in_order(evidence),
        outcomes.letters_right(evidence),
        runs.ran_again(evidence, faults),
        runs.attempts_kept(evidence, faults),
        runs.keys_in_order(evidence),
        runs.keys_alone(evidence, faults),
        runs.bound_kept(evidence),
    ):
        broken[rule].append(what)
    return Verdict(dict(broken), _tally(evidence, faults))


def _tally(evidence: Evidence, faults: FaultLog) -> dict[str, Any]:
    plan = evidence.plan
    redone, longest = runs.redone(evidence, faults)
    zombies, awake = runs.zombies(evidence, faults)
    ended = [run for run in evidence.runs if run.how]
    return {
        "seed": plan.seed,
        "sent": len(plan.sent),
        "events": len(evidence.expected()),
        "runs": len(evidence.runs),
        "unended": len(evidence.runs) - len(ended),
        "cancelled": sum(run.how == "cancel" for run in ended),
        "redone": dict(redone),
        "redone_longest_s": round(longest, 3),
        "zombie_runs": zombies,
        "zombie_longest_s": round(awake, 3),
        "letters": sum(record["topic"].endswith(".dlq") for record in evidence.records),
        "at_once": max(runs.most_at_once(evidence).values(), default=0),
        "bound": plan.in_flight,
        "workers": plan.workers,
        "backlog": plan.backlog,
        "faults": [
            f"{fault['s']:.0f}s {fault['kind']} {fault['pid']}" for fault in evidence.faults
        ],
        "ends": evidence.ends,
    }


if __name__ == "__main__":
    verdict = judge(load(Path(sys.argv[1])))
    sys.stdout.write(verdict.line() + "\n")
    sys.exit(not verdict.green)
