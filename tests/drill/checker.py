"""The checker: judges a drill by what Kafka and the journal hold, with nothing of the package."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from drill.shapes import BROKEN, LETTERS, country

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drill.evidence import Evidence

_CUT_S = 2.0
"""A step whose result was not durable yet when its worker was killed is taken again."""
_EXAMPLES = 3

Finding = tuple[str, str]


def judge(evidence: Evidence) -> dict[str, list[str]]:
    """By rule, how it was broken; nothing if all is well."""
    broken: dict[str, list[str]] = defaultdict(list)
    for rule in (_lost, _twice, _paid, _posted, _counted, _overtaken, _at_once, _letters, _left):
        for name, what in rule(evidence):
            broken[name].append(what)
    return dict(broken)


def in_words(broken: dict[str, list[str]]) -> str:
    """What was found, a line a rule."""
    lines = [f"{rule}: {len(found)}, as {found[:_EXAMPLES]}" for rule, found in broken.items()]
    return "\n".join(lines) or "nothing lost, nothing twice, every key in order"


def _receipts(evidence: Evidence) -> list[dict[str, Any]]:
    return [json.loads(row.value) for row in evidence.receipts]


def _lost(evidence: Evidence) -> Iterator[Finding]:
    answered = {receipt["n"] for receipt in _receipts(evidence)}
    yield from (("lost", f"{sent.n}") for sent in evidence.sent if sent.n not in answered)


def _twice(evidence: Evidence) -> Iterator[Finding]:
    counts = Counter(receipt["n"] for receipt in _receipts(evidence))
    yield from (("answered_twice", f"{n}: {c}") for n, c in counts.items() if c > 1)


def _paid(evidence: Evidence) -> Iterator[Finding]:
    """Once, and once more for each kill that came between paying and knowing."""
    payments: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in evidence.journal:
        if row["what"] == "paid":
            payments[row["n"]].append(row)
    for n, rows in payments.items():
        for row in rows[:-1]:
            killed_at = evidence.killed.get(row["pid"])
            if killed_at is None or killed_at - row["t"] > _CUT_S:
                yield "paid_twice", f"{n}: {len(rows)}"


def _posted(evidence: Evidence) -> Iterator[Finding]:
    """Each event has one effect, whose peer can be asked: exactly one."""
    counts = Counter(row["n"] for row in evidence.journal if row["what"] == "posted")
    yield from (("posted_twice", f"{n}: {c}") for n, c in counts.items() if c > 1)
    yield from (("not_posted", f"{sent.n}") for sent in evidence.sent if not counts[sent.n])


def _counted(evidence: Evidence) -> Iterator[Finding]:
    """The state of agent and customer rose by one for each event."""
    counts: dict[tuple[str, str], list[int]] = defaultdict(list)
    for receipt in _receipts(evidence):
        counts[receipt["of"], receipt["customer"]].append(receipt["count"])
    for owner, found in counts.items():
        if sorted(found) != list(range(1, len(found) + 1)):
            yield "miscounted", f"{owner}: {len(found)} events, counted to {max(found)}"


def _overtaken(evidence: Evidence) -> Iterator[Finding]:
    """Events of a key are answered in order; those of its letters in order, too, but later."""
    replayed = {json.loads(row.value)["n"] for row in evidence.letters}
    orders: dict[tuple[str, str, bool], list[int]] = defaultdict(list)
    for receipt in _receipts(evidence):
        came_home = receipt["n"] in replayed
        orders[receipt["of"], receipt["customer"], came_home].append(receipt["n"])
    for owner, numbers in orders.items():
        for before, after in pairwise(numbers):
            if before > after:
                yield "overtaken", f"{owner}: {after} after {before}"


def _at_once(evidence: Evidence) -> Iterator[Finding]:
    """Of one key and agent one run at a time; a kill ends those that it cuts."""
    running: dict[tuple[str, str], dict[str, Any]] = {}
    for row in sorted(evidence.journal, key=lambda row: float(row["t"])):
        if row["what"] not in {"begin", "end"}:
            continue
        owner = (row["topic"], row["key"])
        if row["what"] == "end":
            running.pop(owner, None)
            continue
        before = running.get(owner)
        if before is not None and before["n"] != row["n"] and not _over(before, row, evidence):
            yield "at_once", f"{owner}: {row['n']} began during {before['n']}"
        running[owner] = row


def _over(before: dict[str, Any], now: dict[str, Any], evidence: Evidence) -> bool:
    if evidence.killed.get(before["pid"], now["t"]) < now["t"]:
        return True
    failed = (row for row in evidence.journal if row["what"] == "failed")
    return any(row["n"] == before["n"] and row["t"] <= now["t"] for row in failed)


def _letters(evidence: Evidence) -> Iterator[Finding]:
    """Each is the original, of an event that had to fail, and there is one of each."""
    sent = {one.n: one for one in evidence.sent}
    counts: Counter[int] = Counter()
    for row in evidence.letters:
        n = json.loads(row.value)["n"]
        counts[n] += 1
        original = sent.get(n)
        if original is None or (original.key, original.value) != (row.key, row.value):
            yield "letter_changed", f"{n}"
        elif row.topic != "bill" + LETTERS or country(int(row.key[1:])) != "DE":
            yield "letter_unasked", f"{n} of {row.topic}"
    yield from (("letter_twice", f"{n}: {c}") for n, c in counts.items() if c > 1)
    failed = {row["n"] for row in evidence.journal if row["what"] == "failed"}
    mended = {
        row["n"] for row in evidence.journal if row["what"] == "begin" and row["version"] != BROKEN
    }
    yield from (("no_letter", f"{n}") for n in failed - mended - counts.keys())


def _left(evidence: Evidence) -> Iterator[Finding]:
    if evidence.open_letters:
        yield "left", f"{evidence.open_letters} letters are still listed"
    yield from (("not_committed", f"{at}: {c}") for at, c in evidence.behind.items())
