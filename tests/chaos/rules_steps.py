"""Rules about steps: each is paid for once, save what was in flight when something was killed.

A step's result is durable before the next one begins. So a payment that another step followed in
the same run can never be lost; one that nothing followed may be, if its process was hit then.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.evidence import Evidence
    from chaos.faultlog import FaultLog, Gap
    from chaos.rules_runs import Fault
    from chaos.telling import Payment

STEPS = ("look", "think", "write")
_AGENTS_WITH_STEPS = 3
_MOST_WORKERS = 4


def steps_right(evidence: Evidence) -> Iterator[Fault]:
    """What counted was handed the results of payments for its own steps."""
    paid = {payment.token: payment for payment in evidence.payments if payment.token}
    for e, receipts in evidence.receipts.items():
        event = evidence.expected.get(e)
        for receipt in receipts:
            tokens = receipt.get("tokens") or []
            wanted = len(STEPS) if event is not None and event.steps else 0
            if len(tokens) != wanted:
                yield "step_result", f"event {e} was handed {tokens}"
                continue
            for step, token in zip(STEPS, tokens, strict=False):
                payment = paid.get(token)
                if payment is None or (payment.e, payment.step) != (e, step):
                    yield "step_result", f"event {e}: {step} was answered with {token}"


def paid_once(evidence: Evidence, faults: FaultLog) -> Iterator[Fault]:
    """No step is paid for twice, save what no durable write can have followed."""
    followed = _followed(evidence)
    for (e, step), good, payments in _paid(evidence):
        for payment in payments:
            if payment is good:
                continue
            late = good.end is not None and payment.start > good.end
            zombie = faults.zombie(payment.pid, payment.start)
            what = f"event {e}, {step}: {payment.run}"
            if late and not zombie:
                yield "step_again", f"{what} paid after {good.run} had"
            elif payment.end is not None and not late and not zombie:
                if (payment.run, step) in followed:
                    yield "step_again", f"{what} had paid and gone on; {good.run} paid again"
                elif faults.gap(payment.pid, payment.end, evidence.place(e)) is None:
                    yield "step_repaid", f"{what} had paid; {good.run} paid again, no fault near"
            elif payment.end is None and not late and not _explained(payment, evidence, faults):
                yield "step_repaid", f"{what} never ended; {good.run} paid, no fault near"


def repaid(evidence: Evidence, faults: FaultLog) -> list[Gap]:
    """Of each payment that was made again although it had ended, the fault to blame."""
    return [
        gap
        for _, good, payments in _paid(evidence)
        for payment in payments
        if payment is not good and payment.end is not None
        if (gap := faults.gap(payment.pid, payment.end, evidence.place(payment.e))) is not None
    ]


def repaid_bounded(evidence: Evidence, faults: FaultLog) -> Iterator[Fault]:
    """One fault repeats no more payments than events were in flight."""
    bound = evidence.plan.in_flight * _AGENTS_WITH_STEPS
    for fault, count in Counter(gap.fault for gap in repaid(evidence, faults)).items():
        happened = evidence.faults[fault]
        workers = 1 if happened["pid"] else _MOST_WORKERS
        if count > bound * workers:
            yield "step_many", f"{happened['kind']}, fault {fault}: {count} steps were paid again"


def unended(evidence: Evidence) -> int:
    """Payments that never came to their end."""
    return sum(payment.end is None for payment in evidence.payments)


def _paid(evidence: Evidence) -> Iterator[tuple[tuple[int, str], Payment, list[Payment]]]:
    """By event and step that was paid for more than once: the payment that counted, and all."""
    found: dict[tuple[int, str], list[Payment]] = defaultdict(list)
    for payment in evidence.payments:
        found[payment.e, payment.step].append(payment)
    for (e, step), payments in found.items():
        if len(payments) == 1:
            continue
        receipts = evidence.receipts.get(e)
        tokens = set(receipts[0].get("tokens") or ()) if receipts else set()
        ended = [payment for payment in payments if payment.end is not None]
        counted = [payment for payment in ended if payment.token in tokens]
        yield (e, step), (counted or ended or payments)[-1], payments


def _followed(evidence: Evidence) -> set[tuple[str, str]]:
    """By run and step, those that the run went on from."""
    begun = {(payment.run, payment.step) for payment in evidence.payments}
    ended = {run.name for run in evidence.runs if run.how == "end"}
    found = {
        (run, step) for run, after in begun for step, next_ in pairwise(STEPS) if after == next_
    }
    return found | {(run, STEPS[-1]) for run, step in begun if step == STEPS[-1] and run in ended}


def _explained(payment: Payment, evidence: Evidence, faults: FaultLog) -> bool:
    """Whether something cut the step's function short, or it raised as it was asked to."""
    return bool(faults.cut(payment.pid, payment.start)) or any(
        run.name == payment.run and run.how in {"fail", "cancel"}
        for run in evidence.runs_of.get(payment.e, ())
    )
