"""The plan: everything that is sent and every fault, a pure function of the seed.

Imports nothing of the package, for the checker reads it, too.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from chaos.makers import EVENT_MAKERS, Taste
from chaos.mishaps import Fault, draw_faults
from chaos.shapes import (
    AGENTS,
    AUDIT,
    FOLLOW,
    INBOX,
    REMIND,
    Act,
    Draft,
    Expected,
    Sent,
    second_copy,
)
from chaos.size import Size

_PARKED_SHARE = 0.4
"""Of a round's events the first may park: the round has to end."""


@dataclass(slots=True, kw_only=True)
class Plan:
    """A round."""

    seed: int
    size: Size
    workers: int
    in_flight: int
    backlog: bool
    """Half of it is there before the first worker starts."""
    sent: list[Sent] = field(default_factory=list)
    audits: list[Sent] = field(default_factory=list)
    """Sent when all else is over."""
    events: list[Expected] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def span_s(self) -> float:
        """How long the sender takes."""
        return max((sent.at for sent in self.sent), default=0.0)

    def expected(self) -> dict[int, Expected]:
        """By number, every event there may be, those that follow from another included."""
        known = {event.e: event for event in self.events}
        for event in self.events:
            plain = Expected(e=event.e, topic="", key=event.key, fate="done", parts=1)
            if event.fate == "done" and event.follow:
                known[event.e + FOLLOW] = replace(plain, e=event.e + FOLLOW, topic="follow")
            if event.fate == "done" and event.later is not None:
                known[event.e + REMIND] = replace(plain, e=event.e + REMIND, topic="reminder")
        return known

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Plan:
        """Read what `as_dict` wrote."""
        size: dict[str, Any] = {name: _frozen(value) for name, value in data["size"].items()}
        return cls(
            seed=data["seed"],
            size=Size(**size),
            workers=data["workers"],
            in_flight=data["in_flight"],
            backlog=data["backlog"],
            sent=[_sent(row) for row in data["sent"]],
            audits=[_sent(row) for row in data["audits"]],
            events=[
                Expected(**{**row, "acts": tuple(Act(**act) for act in row["acts"])})
                for row in data["events"]
            ],
            faults=[Fault(**row) for row in data["faults"]],
        )


def _sent(row: dict[str, Any]) -> Sent:
    return Sent(**{**row, "headers": tuple((name, value) for name, value in row["headers"])})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(part) for part in value) if isinstance(value, list) else value


def make_plan(seed: int, size: Size) -> Plan:
    """Draw a round. The same seed and size give the same plan."""
    rng = random.Random(seed)
    plan = Plan(
        seed=seed,
        size=size,
        workers=rng.choice((2, 2, 3)),
        in_flight=rng.choice(size.in_flight),
        backlog=rng.random() < 0.35,
    )
    plan.faults = draw_faults(rng, size)
    span_s = 0.9 * max((fault.at for fault in plan.faults), default=20.0)
    _events(rng, plan, span_s)
    _audits(plan)
    return plan


def _events(rng: random.Random, plan: Plan, span_s: float) -> None:
    size = plan.size
    batch: int | None = None
    left, aborted = 0, False
    rows: list[Sent] = []
    for e, name in enumerate(_kinds(rng, size)):
        if left == 0:
            batch, aborted = None, False
            if rng.random() < 0.03:  # a transactional producer sends the next few
                batch, left, aborted = e, rng.randrange(2, 8), rng.random() < 0.4
        else:
            left -= 1
        at = 0.0 if plan.backlog and e < size.events / 2 else span_s * e / size.events
        draft = EVENT_MAKERS[name].make(rng, e, _taste(size, e))
        sent = draft.sent(n=len(rows), at=at, batch=batch if draft.named else None)
        rows.append(sent)
        ghost = aborted and sent.batch is not None
        if ghost:
            rows[-1] = second_copy(sent, n=sent.n, at=at, batch=sent.batch, aborted=True)
        plan.events.append(draft.expected(ghost=ghost))
        if draft.named and not ghost and rng.random() < 0.06:
            later = at + rng.choice((0.0, 0.0, rng.uniform(1, 8), span_s))
            rows.append(second_copy(sent, n=len(rows), at=min(later, span_s), batch=None))
    plan.sent = sorted(rows, key=lambda row: (row.at, row.n))


def _kinds(rng: random.Random, size: Size) -> list[str]:
    poisons = rng.choice((0, 0, 1, 1, 1, 2)) if size.poisons is None else size.poisons
    names = list(size.only or EVENT_MAKERS)
    weights = [EVENT_MAKERS[name].weight for name in names]
    drawn = rng.choices(names, weights=weights, k=size.events)
    for e in sorted(rng.sample(range(size.events // 10, size.events // 2), poisons)):
        drawn[e] = "poison"
    return drawn


def _taste(size: Size, e: int) -> Taste:
    parked = e < size.events * _PARKED_SHARE
    return Taste(keys=size.keys, slow=size.slow, deeds=size.deeds, parked=parked)


def _audits(plan: Plan) -> None:
    """One for each agent and key that has counted anything: what does the state say at the end?"""
    counted = {
        (AGENTS[event.topic], event.key): event.topic
        for event in plan.events
        if event.count and event.fate == "done"
    }
    for number, ((_, key), topic) in enumerate(sorted(counted.items(), key=str)):
        draft = _audit(AUDIT + number, topic, key or "")
        plan.events.append(draft.expected(ghost=False))
        plan.audits.append(draft.sent(n=len(plan.sent) + number, at=0.0, batch=None))


def _audit(e: int, topic: str, who: str) -> Draft:
    id_ = f"audit-{e}"
    data = {"e": e, "id": id_, "who": who, "parts": 1, "audit": True}
    draft = Draft(e=e, topic=topic, who=who, key=who, id=id_, data=data)
    if topic == INBOX:
        draft.value = json.dumps({"type": "odd", "id": id_, "data": data})
        return draft
    names = {"ce_specversion": "1.0", "ce_id": id_, "ce_source": "chaos", "ce_type": topic}
    draft.headers, draft.value = tuple(names.items()), json.dumps(data)
    return draft
