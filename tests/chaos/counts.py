"""The counts of a round: what a verdict prints beside its word."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from chaos import rules_effects as effects
from chaos import rules_runs as runs
from chaos import rules_steps as steps
from chaos import rules_waits as waits
from chaos.shapes import LETTERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos.evidence import Evidence
    from chaos.faultlog import FaultLog, Gap
    from chaos.lateness import Waited
    from chaos.outbox import Outbox


def count(evidence: Evidence, faults: FaultLog, outbox: Outbox) -> dict[str, Any]:
    """Count what happened."""
    return {
        **_round(evidence),
        **_runs(evidence, faults),
        **_steps(evidence, faults),
        "delayed": _lateness([waited for _, waited in waits.delayed(evidence)], faults),
        "parked": _lateness([waited for _, _, waited in waits.parked(evidence)], faults),
        **_effects(outbox),
        "counted": sum(event.count for event in evidence.expected.values()),
        "audited": sum(event.audit for event in evidence.expected.values()),
        "faults": [
            f"{fault['s']:.0f}s {fault['kind']} {fault['pid']}"
            for fault in evidence.faults
            if fault["kind"] != "start"
        ],
        "ends": evidence.ends,
    }


def _round(evidence: Evidence) -> dict[str, Any]:
    plan = evidence.plan
    return {
        "seed": plan.seed,
        "sent": len(evidence.sent),
        "events": len(evidence.expected),
        "workers": plan.workers,
        "backlog": plan.backlog,
        "brokers": plan.size.brokers,
        "letters": sum(record["topic"].endswith(LETTERS) for record in evidence.records),
    }


def _runs(evidence: Evidence, faults: FaultLog) -> dict[str, Any]:
    zombies, awake_s = runs.zombies(evidence, faults)
    redone = runs.redone(evidence, faults)
    return {
        "runs": len(evidence.runs),
        "unended": sum(not run.how for run in evidence.runs),
        "cancelled": sum(run.how == "cancel" for run in evidence.runs),
        **_gaps("redone", redone),
        "redone_longest_s": round(max((gap.ahead_s for gap in redone), default=0.0), 3),
        "zombie_runs": zombies,
        "zombie_longest_s": round(awake_s, 3),
        "at_once": max(runs.most_at_once(evidence).values(), default=0),
        "bound": evidence.plan.in_flight,
    }


def _steps(evidence: Evidence, faults: FaultLog) -> dict[str, Any]:
    return {
        "payments": len(evidence.payments),
        "payments_unended": steps.unended(evidence),
        **_gaps("repaid", steps.repaid(evidence, faults)),
    }


def _gaps(what: str, gaps: Iterable[Gap]) -> dict[str, Any]:
    """How many the faults of each kind explain, and the most that a single one does."""
    found = list(gaps)
    most = Counter(gap.fault for gap in found)
    return {
        what: dict(Counter(gap.kind for gap in found)),
        f"{what}_by_one": max(most.values(), default=0),
    }


def _lateness(waited: list[Waited], faults: FaultLog) -> dict[str, Any]:
    """How late they were; `calm` are those whose whole wait was."""
    late = sorted(one.late_s for one in waited)
    calm = sorted(one.late_s for one in waited if one.calm(faults))
    return {
        "count": len(late),
        **{f"late_{name}_s": value for name, value in _quantiles(late).items()},
        "calm": len(calm),
        **{f"calm_late_{name}_s": value for name, value in _quantiles(calm).items()},
    }


def _quantiles(ordered: list[float]) -> dict[str, float]:
    if not ordered:
        return {}
    return {"p50": round(ordered[len(ordered) // 2], 3), "max": round(ordered[-1], 3)}


def _effects(outbox: Outbox) -> dict[str, Any]:
    return {
        "effects": len(outbox.effects),
        "sendings": sum(len(effect.sendings) for effect in outbox.effects.values()),
        **{f"effects_{name}": n for name, n in effects.tally(outbox).items()},
    }
