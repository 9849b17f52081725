"""A round as it should be, small enough to be spoiled by hand: what the checker is tested with."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiokafka.partitioner import murmur2

from chaos.evidence import Evidence
from chaos.plan import Plan
from chaos.rules_outcomes import EMITTED
from chaos.shapes import LETTERS, NUMBER, Expected, Sent
from chaos.size import Size

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY = "k1"
MIDNIGHT = 1_800_000_000.0
"""What the clock on the wall said at the story's time 0."""


class Story:
    """A round, told line by line. Empty at first; `chaos.tales` has some to tell."""

    def __init__(self) -> None:
        size = Size(redone=3)
        self.plan = Plan(seed=0, size=size, workers=2, in_flight=2, backlog=False)
        self.lines: list[dict[str, Any]] = []
        self.world: list[dict[str, Any]] = []
        self.records: list[dict[str, Any]] = []
        self.faults: list[dict[str, Any]] = []
        self.behind: dict[str, list[int]] = {}
        self.ends = {"stop:0": 2}
        self.finished = True
        self.broken_commits: list[str] = []
        self.acknowledged: set[int] = set()
        self.foreign: list[dict[str, Any]] | None = None
        """None: who read along saw what is there."""

    def order(
        self, e: int, fate: str = "done", *, key: str = KEY, at: float = 0.0, **more: Any
    ) -> None:
        """An order that was sent, and what has to become of it."""
        never = fate == "never"
        value, headers = json.dumps({"e": e}), ((NUMBER, str(e)),)
        self.plan.sent.append(
            Sent(
                n=e,
                e=e,
                at=0.0,
                topic="order",
                key=key,
                value=value,
                headers=headers,
                partition=None,
                batch=e if never else None,
                aborted=never,
            )
        )
        expected = Expected(
            e=e, topic="order", key=key, id=f"order-{e}", fate=fate, parts=1, **more
        )
        self.plan.events.append(expected)
        if not never:
            self.acknowledged.add(e)
            self.record("order", key=key, value=value, headers=headers, at=at)

    # -- what happened ---------------------------------------------------------------------------

    def say(
        self, what: str, e: int, name: str, t: float, agent: str = "Seller", **more: Any
    ) -> None:
        """One line of the journal; a run's name is `<pid>-<anything>`."""
        said = {"what": what, "e": e, "run": name, "agent": agent, **more}
        pid = int(name.split("-", 1)[0])
        self.lines.append({**said, "t": t, "wall": MIDNIGHT + t, "pid": pid})

    def run(
        self,
        e: int,
        name: str,
        start: float,
        end: float | None,
        how: str = "end",
        *,
        attempt: int = 1,
        agent: str = "Seller",
        topic: str = "order",
        key: str = KEY,
        **more: Any,
    ) -> None:
        """One run."""
        self.say("start", e, name, start, agent, topic=topic, key=key, attempt=attempt)
        if end is not None:
            self.say(how, e, name, end, agent, **more)

    def well(self, e: int, name: str, start: float, **more: Any) -> None:
        """A run of half a second that ends well."""
        self.run(e, name, start, start + 0.5, **more)

    def pay(self, e: int, name: str, step: str, start: float, end: float | None) -> str:
        """A step of a run that was paid for; its token."""
        token = f"{name}-{step}"
        self.say("paying", e, name, start, step=step)
        if end is not None:
            self.say("paid", e, name, end, step=step, token=token)
        return token

    def fault(self, kind: str, pid: int, at: float, until: float | None = None) -> None:
        """Something that was done to a process, or to the broker."""
        self.faults.append({"kind": kind, "pid": pid, "at": at, "until": until, "s": at})

    def record(
        self,
        topic: str,
        *,
        value: str | None,
        key: str | None = KEY,
        headers: Iterable[tuple[str, str]] = (),
        at: float = 0.0,
    ) -> dict[str, Any]:
        """One more record in the key's partition of a topic."""
        row = {
            "topic": topic,
            "partition": partition_of(key or ""),
            "offset": sum(record["topic"] == topic for record in self.records),
            "wall": MIDNIGHT + at,
            "key": key,
            "value": value,
            "headers": [list(header) for header in headers],
        }
        self.records.append(row)
        return row

    def receipt(
        self, e: int, run: str, part: int = 0, *, key: str = KEY, **more: Any
    ) -> dict[str, Any]:
        """What a run that counted left behind."""
        data = {"who": key, "of": e, "run": run, "part": part, **more}
        headers = [("ce_id", f"{e}-{run}-{part}")]
        return self.record("receipt", value=json.dumps(data), key=key, headers=headers)

    def letter(self, e: int, code: str = "failed", attempts: str = "3") -> dict[str, Any]:
        """The dead letter of an order."""
        sent = self.plan.sent[e]
        added = {
            "__streams.errors.topic": "order",
            "__streams.errors.partition": str(partition_of(sent.key or "")),
            "__streams.errors.offset": str(e),
            "streamagents-error-code": code,
            "streamagents-attempts": attempts,
        }
        headers = [*sent.headers, *added.items()]
        return self.record("order.dlq", value=sent.value, key=sent.key, headers=headers)

    # -- what is changed -------------------------------------------------------------------------

    def forget(self, *names: str) -> None:
        """Take runs out of the journal."""
        self.lines = [line for line in self.lines if line["run"] not in names]

    def of(self, topic: str, *numbers: int) -> list[dict[str, Any]]:
        """The records of a topic."""
        found = [record for record in self.records if record["topic"] == topic]
        return [found[number] for number in numbers] or found

    def drop(self, topic: str, *numbers: int) -> None:
        """Take records out of a topic; all, if none is named."""
        gone = self.of(topic, *numbers)
        self.records = [record for record in self.records if record not in gone]

    def seen(self) -> list[dict[str, Any]]:
        """What a reader sees of what is there."""
        places = ("topic", "partition", "offset")
        return [
            {**{name: row[name] for name in places}, "id": dict(row["headers"]).get("ce_id")}
            for row in self.records
            if row["topic"] in EMITTED or row["topic"].endswith(LETTERS)
        ]

    def evidence(self) -> Evidence:
        """As the checker gets it."""
        return Evidence(
            plan=self.plan,
            acknowledged=self.acknowledged,
            faults=self.faults,
            lines=sorted(self.lines, key=lambda line: line["t"]),
            world=sorted(self.world, key=lambda line: line["t"]),
            records=self.records,
            foreign=self.seen() if self.foreign is None else self.foreign,
            behind=self.behind,
            finished=self.finished,
            ends=self.ends,
            broken_commits=self.broken_commits,
        )


def partition_of(key: str) -> int:
    """Where a key's records lie."""
    return int(murmur2(key.encode()) & 0x7FFFFFFF) % 4


def rfc3339(t: float) -> str:
    """A time of the story, as headers have it."""
    return datetime.fromtimestamp(MIDNIGHT + t, UTC).isoformat()
