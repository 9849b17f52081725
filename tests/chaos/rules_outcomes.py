"""Rules about what is left at the end: events, receipts, letters, commits."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from chaos.evidence import header
from chaos.shapes import FOLLOW, NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.evidence import Evidence

Fault = tuple[str, str]
"""The name of the rule that was broken, and by what."""

_ADDED = ("__streams.errors.", "kafka_dlt-")
_OURS = frozenset(
    f"streamagents-{name}"
    for name in (
        "attempts",
        "agent",
        "agent-version",
        "consumer-group",
        "first-failed-at",
        "error-code",
        "replay-count",
    )
)


def finished(evidence: Evidence) -> Iterator[Fault]:
    """Everything is committed, and every worker ended as it was told to."""
    if not evidence.finished:
        yield "unfinished", "not everything was committed within the time limit"
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
    unsent = [s.n for s in evidence.plan.sent if not s.aborted and s.n not in evidence.acknowledged]
    for n in unsent:
        yield "unsent", f"record {n} was never acknowledged"


def nothing_lost(evidence: Evidence) -> Iterator[Fault]:
    """Every event is done, a letter, or was never sent."""
    receipts, letters = evidence.receipts(), _letters_of(evidence)
    runs = evidence.runs_of()
    for e, event in evidence.expected().items():
        if event.fate == "done" and not receipts.get(e):
            how = "as a letter" if letters.get(e) else "without a trace"
            yield "lost", f"event {e} of {event.topic} ended {how} after {len(runs[e])} runs"
        elif event.fate not in {"done", "never"} and not letters.get(e):
            yield "letter_missing", f"event {e} of {event.topic} should be a letter: {event.fate}"
        elif event.fate == "never" and (runs.get(e) or receipts.get(e) or letters.get(e)):
            yield "ghost", f"event {e} was sent in an aborted transaction and was handled"


def emitted_once(evidence: Evidence) -> Iterator[Fault]:
    """All of what one run emitted, once, and of nobody else."""
    expected, receipts = evidence.expected(), evidence.receipts()
    follows = _follows(evidence)
    for e, found in receipts.items():
        event = expected.get(e)
        if event is None or event.fate != "done":
            yield "stranger", f"event {e} emitted receipts"
            continue
        parts = Counter(receipt["part"] for receipt in found)
        names = {receipt["run"] for receipt in found}
        if event.follow:
            parts["follow"] = len(follows[e + FOLLOW])
            names |= set(follows[e + FOLLOW])
        wanted = Counter([*range(event.parts), *(["follow"] if event.follow else [])])
        if twice := parts - wanted:
            yield "emitted_twice", f"event {e}: {dict(twice)} in runs {sorted(names)}"
        if missing := wanted - parts:
            yield "emitted_part", f"event {e} did not emit {dict(missing)}"
        if len(names) > 1:
            yield "emitted_mixed", f"event {e} emitted from runs {sorted(names)}"
    for e in follows.keys() - expected.keys():
        yield "stranger", f"event {e} followed from nothing"


def emitted_in_order(evidence: Evidence) -> Iterator[Fault]:
    """The receipts of a key lie in the order of its events."""
    receipts = evidence.receipts()
    for (topic, key), order in evidence.sequences().items():
        places = [(min(r["place"] for r in receipts[e]), e) for e in order if receipts.get(e)]
        for (before, first), (after, second) in pairwise(places):
            if after < before:
                yield "emitted_order", f"{topic} {key}: receipt of {second} before that of {first}"


def letters_right(evidence: Evidence) -> Iterator[Fault]:
    """Exactly the expected letters, once each, with the original's bytes, key, headers, place."""
    expected = evidence.expected()
    sent = {row.n: row for row in evidence.plan.sent}
    for e, letters in _letters_of(evidence).items():
        event = expected.get(e)
        if event is None or event.fate in {"done", "never"}:
            codes = [header(letter, "streamagents-error-code") for letter in letters]
            yield "letter_unexpected", f"event {e}: {codes} {_why(letters[0])}"
            continue
        if len(letters) > 1:
            yield "letter_twice", f"event {e}: {[_at(letter) for letter in letters]}"
        for letter in letters:
            code = header(letter, "streamagents-error-code")
            if code != event.fate or letter["topic"] != f"{event.topic}.dlq":
                where = letter["topic"]
                yield "letter_wrong", f"event {e} of {event.topic}: {code} in {where}"
            if code == "failed" and header(letter, "streamagents-attempts") != "3":
                yield "letter_wrong", f"event {e}: {header(letter, 'streamagents-attempts')} tries"
            if fault := _not_original(letter, sent, evidence):
                yield "letter_changed", f"event {e} at {_at(letter)}: {fault}"


def _not_original(letter: dict[str, Any], sent: dict[int, Any], evidence: Evidence) -> str:
    number = int(header(letter, NUMBER) or -1)
    row = sent[number]
    if (letter["key"], letter["value"]) != (row.key, row.value):
        return f"key {letter['key']!r} for {row.key!r}, value {letter['value']!r:.60}"
    own = [tuple(h) for h in letter["headers"] if h[0] not in _OURS and not h[0].startswith(_ADDED)]
    if own != [tuple(h) for h in row.headers]:
        return f"headers {own} for {row.headers}"
    place = tuple(header(letter, f"__streams.errors.{w}") for w in ("topic", "partition", "offset"))
    originals = {
        (record["topic"], str(record["partition"]), str(record["offset"]))
        for record in evidence.records
        if header(record, NUMBER) == str(number) and record["topic"] == row.topic
    }
    return "" if place in originals else f"it says that it comes from {place}"


def _letters_of(evidence: Evidence) -> dict[int, list[dict[str, Any]]]:
    sent = {row.n: row for row in evidence.plan.sent}
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for record in evidence.records:
        if record["topic"].endswith(".dlq"):
            number = header(record, NUMBER)
            e = sent[int(number)].e if number else json.loads(record["value"])["e"]
            found[e].append(record)
    return found


def _follows(evidence: Evidence) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for record in evidence.records:
        if record["topic"] == "follow":
            data = json.loads(record["value"])
            found[data["e"]].append(data["run"])
    return found


def _why(letter: dict[str, Any]) -> str:
    return (header(letter, "__streams.errors.message") or "")[:120]


def _at(record: dict[str, Any]) -> str:
    return f"{record['topic']}:{record['partition']}:{record['offset']}"
