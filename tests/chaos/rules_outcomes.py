"""Rules about what is left at the end: events, receipts, commits, and what others have read."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from chaos.evidence import header
from chaos.shapes import ACTIONS, FOLLOW, LETTERS, NUMBER, PARTITIONS, REMIND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.evidence import Evidence
    from chaos.rules_runs import Fault

EMITTED = ("receipt", "follow", "reminder", ACTIONS)
_FOLLOWERS = {"follow": FOLLOW, "reminder": REMIND}


def finished(evidence: Evidence) -> Iterator[Fault]:
    """Everything is committed, and every worker ended as it was told to."""
    if not evidence.finished:
        yield "unfinished", "not everything was over within the time limit"
    for place, (commit, end) in evidence.behind.items():
        yield "uncommitted", f"{place} is committed to {commit} of {end}"
    for how, count in evidence.ends.items():
        if how.startswith(("died", "did not stop")):
            yield "worker_died", f"{how} x{count}"


def kept(evidence: Evidence) -> Iterator[Fault]:
    """What the broker acknowledged is in its topics; else nothing below can be judged."""
    numbers = {header(record, NUMBER) for record in evidence.records}
    for n in sorted(evidence.acknowledged):
        if str(n) not in numbers:
            yield "broker_lost", f"record {n} was acknowledged and is not there"
    for commit in evidence.broken_commits:
        yield "broker_lost", commit
    for row in evidence.sent.values():
        if not row.aborted and row.n not in evidence.acknowledged:
            yield "unsent", f"record {row.n} was never acknowledged"


def nothing_lost(evidence: Evidence) -> Iterator[Fault]:
    """Every event is done, a letter, or was never sent."""
    receipts, letters, runs = evidence.receipts, evidence.letters, evidence.runs_of
    for e, event in evidence.expected.items():
        if event.fate == "done" and e not in receipts:
            how = "as a letter" if e in letters else "without a trace"
            tries = len(runs.get(e, ()))
            yield "lost", f"event {e} of {event.topic} ended {how} after {tries} runs"
        elif event.fate not in {"done", "never"} and e not in letters:
            yield "letter_missing", f"event {e} of {event.topic} should be a letter: {event.fate}"
        elif event.fate == "never" and (e in runs or e in receipts or e in letters):
            yield "ghost", f"event {e} was sent in an aborted transaction and was handled"


def emitted_once(evidence: Evidence) -> Iterator[Fault]:
    """All of what one run emitted, once, and of nobody else."""
    expected, followers = evidence.expected, _followers(evidence)
    for e, found in evidence.receipts.items():
        event = expected.get(e)
        if event is None or event.fate != "done":
            yield "stranger", f"event {e} emitted receipts"
            continue
        parts: Counter[Any] = Counter(receipt["part"] for receipt in found)
        wanted: Counter[Any] = Counter(range(event.parts))
        names = {receipt["run"] for receipt in found}
        for topic, offset in _FOLLOWERS.items() if event.topic == "order" else ():
            emitted = followers[e + offset]
            names |= set(emitted)
            parts[topic] = len(emitted)
            wanted[topic] = int(e + offset in expected)
        if twice := +(parts - wanted):
            yield "emitted_twice", f"event {e}: {dict(twice)} in runs {sorted(names)}"
        if missing := +(wanted - parts):
            yield "emitted_part", f"event {e} did not emit {dict(missing)}"
        if len(names) > 1:
            yield "emitted_mixed", f"event {e} emitted from runs {sorted(names)}"
    for e in followers.keys() - expected.keys():
        if followers[e]:
            yield "stranger", f"event {e} followed from nothing"


def _followers(evidence: Evidence) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for topic in _FOLLOWERS:
        for record in evidence.topics[topic]:
            data = json.loads(record["value"])
            found[data["e"]].append(data["run"])
    return found


def foreign_sees_once(evidence: Evidence) -> Iterator[Fault]:
    """Who reads committed and knows nothing of us sees each emitted event, once, as it happens."""
    ids = Counter((row["topic"], row["id"]) for row in evidence.foreign if row["topic"] in EMITTED)
    for (topic, id_), count in ids.items():
        if count > 1:
            yield "foreign_twice", f"{id_} of {topic} was seen {count} times"
    seen = {_place(row) for row in evidence.foreign}
    there = {
        _place(record)
        for topic in (*EMITTED, *(topic + LETTERS for topic in PARTITIONS))
        for record in evidence.topics[topic]
    }
    for place in sorted(there - seen):
        yield "foreign_missed", f"{place} was never seen by who read along"
    for place in sorted(seen - there):
        yield "foreign_ghost", f"{place} was seen by who read along, and is not there"


def _place(row: dict[str, Any]) -> tuple[str, int, int]:
    return row["topic"], row["partition"], row["offset"]
