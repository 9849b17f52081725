"""The evidence of a round: what was planned, said by agents, done to processes, left in topics.

Everything is read from a round's folder, so that a round can be judged again. Imports nothing of
the package.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aiokafka.partitioner import murmur2

from chaos.plan import Plan
from chaos.shapes import ACTIONS, AGENTS, LETTERS, NUMBER, PARTITIONS, Expected, Sent
from chaos.telling import (
    Answer,
    Payment,
    Run,
    Sending,
    answers_from,
    payments_from,
    runs_from,
    sendings_from,
)

if TYPE_CHECKING:
    from pathlib import Path

    from chaos.faultlog import Place

ORIGIN = "streamagents-origin"


@dataclass(kw_only=True)
class Evidence:
    """One round. What is derived is derived once: a round has hundreds of thousands of records."""

    plan: Plan
    acknowledged: set[int] = field(default_factory=set)
    faults: list[dict[str, Any]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    """The journal."""
    world: list[dict[str, Any]] = field(default_factory=list)
    """What the test channels wrote."""
    records: list[dict[str, Any]] = field(default_factory=list)
    """What is in the topics."""
    foreign: list[dict[str, Any]] = field(default_factory=list)
    """What a reader saw that read along."""
    behind: dict[str, list[int]] = field(default_factory=dict)
    """Partitions whose commit is not at their end."""
    finished: bool = True
    """All was committed within the time limit."""
    ends: dict[str, int] = field(default_factory=dict)
    broken_commits: list[str] = field(default_factory=list)
    """Transactions that the brokers have lost in part."""

    # -- the plan --------------------------------------------------------------------------------

    @cached_property
    def expected(self) -> dict[int, Expected]:
        """By number, every event that may run, those that follow from another included."""
        return self.plan.expected()

    @cached_property
    def sent(self) -> dict[int, Sent]:
        """By number, what was to be sent."""
        return {row.n: row for row in (*self.plan.sent, *self.plan.audits)}

    # -- the journal -----------------------------------------------------------------------------

    @cached_property
    def runs(self) -> list[Run]:
        """In the order of their starts."""
        return runs_from(self.lines)

    @cached_property
    def runs_of(self) -> dict[int, list[Run]]:
        """By event, its runs in the order of their starts."""
        found: dict[int, list[Run]] = defaultdict(list)
        for run in self.runs:
            found[run.e].append(run)
        return found

    @cached_property
    def payments(self) -> list[Payment]:
        """In the order of their starts."""
        return payments_from(self.lines)

    @cached_property
    def sendings(self) -> list[Sending]:
        """In the order of their starts."""
        return sendings_from(self.world)

    @cached_property
    def answers(self) -> list[Answer]:
        """In their order."""
        return answers_from(self.world)

    # -- the topics ------------------------------------------------------------------------------

    @cached_property
    def topics(self) -> dict[str, list[dict[str, Any]]]:
        """By topic, its records, partition by partition in their order."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for record in sorted(self.records, key=lambda r: (r["partition"], r["offset"])):
            found[record["topic"]].append(record)
        return found

    @cached_property
    def written(self) -> dict[int, float]:
        """By event, when the first record of it was written, by the clock on the wall."""
        found: dict[int, float] = {}
        for topic in AGENTS:
            for record in self.topics[topic]:
                event = self.event_of(record)
                if event is not None:
                    found[event.e] = min(found.get(event.e, record["wall"]), record["wall"])
        return found

    @cached_property
    def receipts(self) -> dict[int, list[dict[str, Any]]]:
        """By event, what it emitted to the receipts, in the order of the topic's partition."""
        found: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for record in self.topics["receipt"]:
            data = json.loads(record["value"])
            found[data["of"]].append({**data, "place": (record["partition"], record["offset"])})
        return found

    @cached_property
    def committed_runs(self) -> dict[int, Run]:
        """By event, the run whose emitted events a reader sees: the one that counted."""
        by_name = {run.name: run for run in self.runs}
        return {
            e: by_name[receipts[0]["run"]]
            for e, receipts in self.receipts.items()
            if receipts[0]["run"] in by_name
        }

    @cached_property
    def durable(self) -> dict[tuple[int, Place], list[float]]:
        """By process and state partition, the ends of its runs that counted, in their order."""
        found: dict[tuple[int, Place], list[float]] = defaultdict(list)
        for e, run in self.committed_runs.items():
            place = place_of(self.expected.get(e))
            if place is not None and run.end is not None:
                found[run.pid, place].append(run.end)
        return {place: sorted(ends) for place, ends in found.items()}

    def place(self, e: int) -> Place | None:
        """The state partition of an event."""
        return place_of(self.expected.get(e))

    @cached_property
    def letters(self) -> dict[int, list[dict[str, Any]]]:
        """By event, its dead letters."""
        found: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for topic in AGENTS:
            for record in self.topics[topic + LETTERS]:
                number = header(record, NUMBER)
                e = self.sent[int(number)].e if number else json.loads(record["value"])["e"]
                found[e].append(record)
        return found

    @cached_property
    def sequences(self) -> dict[tuple[str, str], list[int]]:
        """By topic and key, the events in the order in which they lie where they are handled."""
        found: dict[tuple[str, str], dict[int, None]] = defaultdict(dict)
        for topic in AGENTS:
            for record in self.topics[topic]:
                event = self.event_of(record)
                if event is None or event.key is None or topic != event.topic:
                    continue
                if header(record, ORIGIN) is None and record["partition"] != home(event):
                    continue  # not where it belongs: its forwarded copy counts
                found[topic, event.key].setdefault(event.e)
        return {place: list(order) for place, order in found.items()}

    def event_of(self, record: dict[str, Any]) -> Expected | None:
        """The event that a record of a topic that is handled holds."""
        if record["topic"] in {"follow", "reminder"}:
            return self.expected.get(json.loads(record["value"])["e"])
        number = header(record, NUMBER)
        return None if number is None else self.expected.get(self.sent[int(number)].e)


def place_of(event: Expected | None) -> Place | None:
    """The state partition of an event; None for one that only its position identifies."""
    if event is None or event.key is None:
        return None
    return PARTITIONS[event.topic], home(event)


def outbox_place(key: str) -> Place:
    """The state partition of an effect."""
    return PARTITIONS[ACTIONS], _partition(key, ACTIONS)


def home(event: Expected) -> int:
    """The partition that an event belongs to."""
    return _partition(event.key or "", event.topic)


def _partition(key: str, topic: str) -> int:
    return int(murmur2(key.encode()) & 0x7FFFFFFF) % PARTITIONS[topic]


def header(record: dict[str, Any], name: str) -> str | None:
    """The last value of a record's header."""
    values = [value for key, value in record["headers"] if key == name]
    return values[-1] if values else None


def load(folder: Path) -> Evidence:
    """Read what a round left in its folder."""
    facts = json.loads((folder / "facts.json").read_text())
    return Evidence(
        plan=Plan.from_dict(json.loads((folder / "plan.json").read_text())),
        acknowledged=set(facts["acknowledged"]),
        faults=facts["faults"],
        lines=_lines(folder / "journal.jsonl"),
        world=_lines(folder / "effects.jsonl"),
        records=_lines(folder / "topics.jsonl"),
        foreign=_lines(folder / "foreign.jsonl"),
        behind=facts["behind"],
        finished=facts["finished"],
        ends=facts["ends"],
        broken_commits=_lines(folder / "broken_commits.jsonl"),
    )


def _lines(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def agent_of(event: Expected) -> str:
    """The agent that an event meets."""
    return AGENTS[event.topic]
