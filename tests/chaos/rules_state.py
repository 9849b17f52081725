"""Rules about state: what was counted of a key grew by one with each event that finished."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from chaos.evidence import agent_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.evidence import Evidence
    from chaos.rules_runs import Fault

Lane = tuple[str, str]
"""An agent and a key."""


def counted_right(evidence: Evidence) -> Iterator[Fault]:
    """No gap and no repeat, in the order of each topic; and what was put there is there."""
    finals: dict[Lane, int] = {}
    for lane, counts in _counts(evidence).items():
        numbers = [n for n, _, _ in counts]
        finals[lane] = len(numbers)
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            yield "state", f"{lane}: counted {_shortened(numbers)}"
        for n, odd, e in counts:
            if odd != (n % 2 == 0):
                yield "state", f"{lane}: event {e}, the {n}th, found odd={odd}"
    yield from _in_order(evidence)
    yield from _audited(evidence, finals)


def _counts(evidence: Evidence) -> dict[Lane, list[tuple[int, bool, int]]]:
    """By lane, what each finished event that counts has said."""
    found: dict[Lane, list[tuple[int, bool, int]]] = defaultdict(list)
    for e, receipts in evidence.receipts.items():
        event = evidence.expected.get(e)
        if event is not None and event.count and event.key is not None:
            n, odd = receipts[0].get("n"), receipts[0].get("odd")
            found[agent_of(event), event.key].append((n or 0, bool(odd), e))
    return found


def _in_order(evidence: Evidence) -> Iterator[Fault]:
    """Of one topic and key, the later event counted more."""
    for (topic, key), order in evidence.sequences.items():
        last = 0
        for e in order:
            event, receipts = evidence.expected[e], evidence.receipts.get(e)
            if event.count and receipts:
                n = receipts[0].get("n") or 0
                if n <= last:
                    yield "state", f"{topic} {key}: event {e} counted {n} after {last}"
                last = n


def _audited(evidence: Evidence, finals: dict[Lane, int]) -> Iterator[Fault]:
    """At the very end the state says what has been counted."""
    for e, event in evidence.expected.items():
        receipts = evidence.receipts.get(e)
        if not event.audit or not receipts or event.key is None:
            continue
        lane = (agent_of(event), event.key)
        n, odd = receipts[0].get("n"), receipts[0].get("odd")
        wanted = finals.get(lane, 0)
        if n != wanted or odd != (wanted % 2 == 1):
            yield "state_final", f"{lane}: the state says {n}, odd={odd}; {wanted} have finished"


def _shortened(numbers: list[int]) -> str:
    """The first that is missing, and the first that is there twice."""
    wanted, there = set(range(1, len(numbers) + 1)), set(numbers)
    twice = sorted(n for n in there if numbers.count(n) > 1)
    return f"{len(numbers)} times, without {sorted(wanted - there)[:3]}, repeating {twice[:3]}"
