"""A round as it should be, small enough to be spoiled by hand: what the checker is tested with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiokafka.partitioner import murmur2

from chaos.evidence import Evidence, runs_from
from chaos.plan import Plan, Size
from chaos.shapes import FOLLOW, NUMBER, Expected, Sent

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY = "k1"
PARTITION = int(murmur2(KEY.encode()) & 0x7FFFFFFF) % 4


class Story:
    """Three orders of one key: the first goes well and is followed, the second fails, the third
    goes well. A fourth was sent in an aborted transaction.
    """

    def __init__(self) -> None:
        self.plan = Plan(seed=0, size=Size(), workers=2, in_flight=2, backlog=False)
        self.lines: list[dict[str, Any]] = []
        self.records: list[dict[str, Any]] = []
        self.faults: list[dict[str, Any]] = []
        self.behind: dict[str, list[int]] = {}
        self.ends = {"stop:0": 2}
        self.finished = True
        self.acknowledged = {0, 1, 2}
        for e, fate in enumerate(("done", "failed", "done", "never")):
            self._order(e, fate, follow=e == 0)
        self.well(0, "1-0", 10.0)
        self.well(FOLLOW, "1-1", 11.0, agent="Follower", topic="follow")
        for attempt in (1, 2, 3):
            self.run(1, f"1-f{attempt}", 11.0 + attempt, 11.5 + attempt, "fail", attempt=attempt)
        self.well(2, "1-2", 15.0)
        self.receipt(0, "1-0")
        self.record("follow", value=json.dumps({"who": KEY, "e": FOLLOW, "run": "1-0"}))
        self.receipt(FOLLOW, "1-1")
        self.letter(1)
        self.receipt(2, "1-2")

    def _order(self, e: int, fate: str, *, follow: bool) -> None:
        never = fate == "never"
        value, headers = json.dumps({"e": e}), ((NUMBER, str(e)),)
        self.plan.sent.append(
            Sent(
                n=e,
                e=e,
                at=0.0,
                topic="order",
                key=KEY,
                value=value,
                headers=headers,
                partition=None,
                batch=e if never else None,
                aborted=never,
            )
        )
        event = Expected(e=e, topic="order", key=KEY, fate=fate, parts=1, follow=follow)
        self.plan.events.append(event)
        if not never:
            self.record("order", value=value, headers=headers)

    # -- what happened ---------------------------------------------------------------------------

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
    ) -> None:
        """One run; its name is `<pid>-<anything>`."""
        common = {"e": e, "run": name, "pid": int(name.split("-", 1)[0]), "agent": agent}
        began = {"what": "start", "t": start, "topic": topic, "key": key, "attempt": attempt}
        self.lines.append({**common, **began})
        if end is not None:
            self.lines.append({**common, "what": how, "t": end})

    def well(self, e: int, name: str, start: float, **more: Any) -> None:
        """A run of half a second that ends well."""
        self.run(e, name, start, start + 0.5, **more)

    def fault(self, kind: str, pid: int, at: float, until: float | None = None) -> None:
        """Something that was done to a process, or to the broker."""
        self.faults.append({"kind": kind, "pid": pid, "at": at, "until": until, "s": at})

    def record(
        self, topic: str, *, value: str | None, headers: Iterable[tuple[str, str]] = ()
    ) -> dict[str, Any]:
        """One more record in the key's partition of a topic."""
        row = {
            "topic": topic,
            "partition": PARTITION,
            "offset": sum(record["topic"] == topic for record in self.records),
            "key": KEY,
            "value": value,
            "headers": [list(header) for header in headers],
        }
        self.records.append(row)
        return row

    def receipt(self, e: int, run: str, part: int = 0) -> dict[str, Any]:
        """What a run that counted left behind."""
        data = {"who": KEY, "of": e, "run": run, "part": part}
        return self.record("receipt", value=json.dumps(data))

    def letter(self, e: int, code: str = "failed", attempts: str = "3") -> dict[str, Any]:
        """The dead letter of an order."""
        sent = self.plan.sent[e]
        added = {
            "__streams.errors.topic": "order",
            "__streams.errors.partition": str(PARTITION),
            "__streams.errors.offset": str(e),
            "streamagents-error-code": code,
            "streamagents-attempts": attempts,
        }
        headers = [*sent.headers, *added.items()]
        return self.record("order.dlq", value=sent.value, headers=headers)

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

    def evidence(self) -> Evidence:
        """As the checker gets it."""
        lines = sorted(self.lines, key=lambda line: line["t"])
        return Evidence(
            plan=self.plan,
            acknowledged=self.acknowledged,
            faults=self.faults,
            runs=runs_from(lines),
            lines=lines,
            records=self.records,
            behind=self.behind,
            finished=self.finished,
            ends=self.ends,
        )
