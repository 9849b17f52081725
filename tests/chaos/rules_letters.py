"""Rules about dead letters: exactly the expected ones, and each is the original."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from chaos.evidence import header
from chaos.shapes import AGENTS, ATTEMPTS, LETTERS, NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.evidence import Evidence
    from chaos.rules_runs import Fault

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


def letters_right(evidence: Evidence) -> Iterator[Fault]:
    """Exactly the expected letters, once each, with the original's bytes, key, headers, place."""
    places = _places(evidence)
    for e, letters in evidence.letters.items():
        event = evidence.expected.get(e)
        if event is None or event.fate in {"done", "never"}:
            codes = [code_of(letter) for letter in letters]
            yield "letter_unexpected", f"event {e}: {codes} {why(letters[0])}"
            continue
        if len(letters) > 1:
            yield "letter_twice", f"event {e}: {[_at(letter) for letter in letters]}"
        for letter in letters:
            code, tries = code_of(letter), header(letter, "streamagents-attempts")
            if code != event.fate or letter["topic"] != event.topic + LETTERS:
                where = letter["topic"]
                yield "letter_wrong", f"event {e} of {event.topic}: {code} in {where}"
            if code == "failed" and tries != str(ATTEMPTS):
                yield "letter_wrong", f"event {e}: {tries} tries"
            if fault := _not_original(letter, evidence, places):
                yield "letter_changed", f"event {e} at {_at(letter)}: {fault}"


def _not_original(
    letter: dict[str, Any], evidence: Evidence, places: dict[str, set[tuple[str, str, str]]]
) -> str:
    number = header(letter, NUMBER) or "-1"
    row = evidence.sent[int(number)]
    if (letter["key"], letter["value"]) != (row.key, row.value):
        return f"key {letter['key']!r} for {row.key!r}, value {letter['value']!r:.60}"
    own = [tuple(h) for h in letter["headers"] if h[0] not in _OURS and not h[0].startswith(_ADDED)]
    if own != [tuple(h) for h in row.headers]:
        return f"headers {own} for {row.headers}"
    words = ("topic", "partition", "offset")
    topic, partition, offset = (header(letter, f"__streams.errors.{w}") or "" for w in words)
    if topic == row.topic and (topic, partition, offset) in places[number]:
        return ""
    return f"it says that it comes from {(topic, partition, offset)}"


def _places(evidence: Evidence) -> dict[str, set[tuple[str, str, str]]]:
    """By a sent record's number, where it lies."""
    found: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for topic in AGENTS:
        for record in evidence.topics[topic]:
            number = header(record, NUMBER) or ""
            found[number].add((topic, str(record["partition"]), str(record["offset"])))
    return found


def code_of(letter: dict[str, Any]) -> str:
    """A letter's error code."""
    return header(letter, "streamagents-error-code") or ""


def why(letter: dict[str, Any]) -> str:
    """What a letter says of its cause."""
    return (header(letter, "__streams.errors.message") or "")[:120]


def _at(record: dict[str, Any]) -> str:
    return f"{record['topic']}:{record['partition']}:{record['offset']}"
