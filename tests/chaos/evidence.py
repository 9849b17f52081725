"""The evidence of a round: what was planned, said by agents, done to processes, left in topics.

Everything is read from a round's folder, so that a round can be judged again. Imports nothing of
the package.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiokafka.partitioner import murmur2

from chaos.plan import Plan
from chaos.shapes import AGENTS, FOLLOW, NUMBER, PARTITIONS, Expected, Sent

if TYPE_CHECKING:
    from pathlib import Path

ORIGIN = "streamagents-origin"


@dataclass(slots=True, kw_only=True)
class Run:
    """One run of an agent on an event, as the journal has it."""

    e: int
    agent: str
    key: str | None
    pid: int
    name: str
    attempt: int
    start: float
    end: float | None = None
    how: str = ""
    """`end`, `fail`, `reject`, `cancel`; empty for one that never said how it ended."""


@dataclass(slots=True, kw_only=True)
class Evidence:
    """One round."""

    plan: Plan
    acknowledged: set[int] = field(default_factory=set)
    faults: list[dict[str, Any]] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    """In the order of their starts."""
    lines: list[dict[str, Any]] = field(default_factory=list)
    """The journal."""
    records: list[dict[str, Any]] = field(default_factory=list)
    """What is in the topics."""
    behind: dict[str, list[int]] = field(default_factory=dict)
    """Partitions whose commit is not at their end."""
    finished: bool = True
    """All was committed within the time limit."""
    ends: dict[str, int] = field(default_factory=dict)

    # -- views -----------------------------------------------------------------------------------

    def expected(self) -> dict[int, Expected]:
        """By number, every event that may run, those that follow from another included."""
        known = {event.e: event for event in self.plan.events}
        for event in self.plan.events:
            if event.follow and event.fate == "done":
                e = event.e + FOLLOW
                known[e] = Expected(e=e, topic="follow", key=event.key, fate="done", parts=1)
        return known

    def runs_of(self) -> dict[int, list[Run]]:
        """By event, its runs in the order of their starts."""
        found: dict[int, list[Run]] = defaultdict(list)
        for run in self.runs:
            found[run.e].append(run)
        return found

    def receipts(self) -> dict[int, list[dict[str, Any]]]:
        """By event, what it emitted to the receipts, in the order of the topic's partition."""
        found: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for record in self.records:
            if record["topic"] == "receipt":
                data = json.loads(record["value"])
                place = (record["partition"], record["offset"])
                found[data["of"]].append({**data, "place": place})
        return found

    def committed_runs(self) -> dict[int, Run]:
        """By event, the run whose emitted events a reader sees: the one that counted."""
        by_name = {run.name: run for run in self.runs}
        return {
            e: by_name[receipts[0]["run"]]
            for e, receipts in self.receipts().items()
            if receipts[0]["run"] in by_name
        }

    def sequences(self) -> dict[tuple[str, str], list[int]]:
        """By topic and key, the events in the order in which they lie where they are handled."""
        events = self.expected()
        by_number = {sent.n: sent for sent in self.plan.sent}
        found: dict[tuple[str, str], dict[int, None]] = defaultdict(dict)
        for record in sorted(self.records, key=lambda r: (r["partition"], r["offset"])):
            event = _event_of(record, by_number, events)
            if event is None or event.key is None or record["topic"] != event.topic:
                continue
            if header(record, ORIGIN) is None and record["partition"] != _home(event):
                continue  # not where it belongs: its forwarded copy counts
            found[event.topic, event.key].setdefault(event.e)
        return {place: list(order) for place, order in found.items()}


def _event_of(
    record: dict[str, Any], sent: dict[int, Sent], events: dict[int, Expected]
) -> Expected | None:
    if record["topic"] == "follow":
        return events.get(json.loads(record["value"])["e"])
    number = header(record, NUMBER)
    return None if number is None else events.get(sent[int(number)].e)


def _home(event: Expected) -> int:
    key = (event.key or "").encode()
    return int(murmur2(key) & 0x7FFFFFFF) % PARTITIONS[event.topic]


def header(record: dict[str, Any], name: str) -> str | None:
    """The last value of a record's header."""
    values = [value for key, value in record["headers"] if key == name]
    return values[-1] if values else None


def runs_from(lines: list[dict[str, Any]]) -> list[Run]:
    """Put the journal's lines together."""
    runs: dict[str, Run] = {}
    for line in lines:
        if line["what"] == "start":
            runs[line["run"]] = Run(
                e=line["e"],
                agent=line["agent"],
                key=line["key"],
                pid=line["pid"],
                name=line["run"],
                attempt=line["attempt"],
                start=line["t"],
            )
        else:
            run = runs[line["run"]]
            run.end, run.how = line["t"], line["what"]
    return list(runs.values())


def load(folder: Path) -> Evidence:
    """Read what a round left in its folder."""
    facts = json.loads((folder / "facts.json").read_text())
    lines = _lines(folder / "journal.jsonl")
    return Evidence(
        plan=Plan.from_dict(json.loads((folder / "plan.json").read_text())),
        acknowledged=set(facts["acknowledged"]),
        faults=facts["faults"],
        runs=runs_from(lines),
        lines=lines,
        records=_lines(folder / "topics.jsonl"),
        behind=facts["behind"],
        finished=facts["finished"],
        ends=facts["ends"],
    )


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def agent_of(event: Expected) -> str:
    """The agent that an event meets."""
    return AGENTS[event.topic]
