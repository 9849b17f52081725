"""What agents and channels told: lines of the journal, put together to what they tell of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chaos.shapes import ENDS

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(slots=True, kw_only=True)
class Run:
    """One run of an agent on an event. Times are the machine's monotonic ones."""

    e: int
    agent: str
    key: str | None
    pid: int
    name: str
    attempt: int
    start: float
    wall: float = 0.0
    """What the clock on the wall said at its start."""
    end: float | None = None
    how: str = ""
    """One of `ENDS`; empty for one that never said how it ended."""
    until: float = 0.0
    """Of one that asked to be tried again later: from when on, by the clock on the wall."""


@dataclass(slots=True, kw_only=True)
class Payment:
    """One time that a step's function ran."""

    e: int
    step: str
    run: str
    pid: int
    start: float
    end: float | None = None
    """None: it never came to its end."""
    token: str = ""


@dataclass(slots=True, kw_only=True)
class Sending:
    """One time that a channel was asked to deliver an effect."""

    id: str
    channel: str
    key: str | None
    pid: int
    attempt: int
    interrupted: bool
    start: float
    happened: float | None = None
    """When the world outside saw it."""
    idempotency: str = ""
    end: float | None = None
    how: str = ""
    """`over`, `fail`, `lost`, `cancel`; empty for one that never said how it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a channel said when it was asked whether an effect has happened."""

    id: str
    t: float
    happened: bool


def runs_from(lines: Iterable[dict[str, Any]]) -> list[Run]:
    """Runs in the order of their starts."""
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
                wall=line.get("wall", 0.0),
            )
        elif line["what"] in ENDS:
            run = runs[line["run"]]
            run.end, run.how = line["t"], line["what"]
            run.until = line.get("until", 0.0)
    return list(runs.values())


def payments_from(lines: Iterable[dict[str, Any]]) -> list[Payment]:
    """Payments in the order of their starts."""
    payments: dict[tuple[str, str], Payment] = {}
    for line in lines:
        if line["what"] == "paying":
            payments[line["run"], line["step"]] = Payment(
                e=line["e"],
                step=line["step"],
                run=line["run"],
                pid=line["pid"],
                start=line["t"],
            )
        elif line["what"] == "paid":
            payment = payments[line["run"], line["step"]]
            payment.end, payment.token = line["t"], line["token"]
    return list(payments.values())


def sendings_from(lines: Iterable[dict[str, Any]]) -> list[Sending]:
    """Sendings in the order of their starts."""
    sendings: list[Sending] = []
    last: dict[tuple[int, str], Sending] = {}
    for line in lines:
        place = (line["pid"], line["id"])
        if line["what"] == "begin":
            last[place] = Sending(
                id=line["id"],
                channel=line["channel"],
                key=line["key"],
                pid=line["pid"],
                attempt=line["attempt"],
                interrupted=line["interrupted"],
                start=line["t"],
            )
            sendings.append(last[place])
        elif line["what"] == "effect":
            last[place].happened = line["t"]
            last[place].idempotency = line["idempotency"]
        elif line["what"] in {"over", "fail", "lost", "cancel"}:
            last[place].end, last[place].how = line["t"], line["what"]
    return sendings


def answers_from(lines: Iterable[dict[str, Any]]) -> list[Answer]:
    """Answers in the order in which they were given."""
    return [
        Answer(id=line["id"], t=line["t"], happened=bool(line["answer"]))
        for line in lines
        if line["what"] == "asked"
    ]
