"""The shapes of a round: what is sent, what has to become of it, and the names on the broker."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

NUMBER = "chaos-n"
"""Header of everything that is sent: its number. A forwarded record and a letter keep it."""
FOLLOW = 1_000_000
"""Added to an event's number, the number of the event that follows from it at once."""
REMIND = 2_000_000
"""Likewise, of the event that it emits for later."""
AUDIT = 3_000_000
"""The first number of the events that ask, at the very end, what the state says."""
POISONED = 66
"""Exit code of a worker that an event killed."""
ATTEMPTS = 3
INBOX = "streamagents.inbox"
ACTIONS = "streamagents.actions"
LETTERS = ".dlq"
PARTITIONS = {
    "order": 4,
    "payment": 4,
    "refund": 4,
    "follow": 4,
    "reminder": 4,
    "parcel": 3,
    "receipt": 4,
    INBOX: 4,
    ACTIONS: 4,
}
AGENTS = {
    "order": "Seller",
    "payment": "Clerk",
    "refund": "Clerk",
    "follow": "Follower",
    "reminder": "Minder",
    "parcel": "Carrier",
    INBOX: "Finder",
}
ENDS = frozenset({"end", "fail", "reject", "wait", "cancel", "odd"})
"""What the journal says of a run that is over."""
CHANNELS = ("keyed", "asked", "loose", "careful")
"""One that takes idempotency keys, one that can be asked, and two that can do neither: what is
unknown is sent again by the one, and given to a person by the other."""
UNSAID = frozenset({"hang", "lost"})
"""How a first attempt may leave it open whether an effect happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One record that is sent; latin-1 in place of bytes, for JSON."""

    n: int
    e: int
    """The event's number: what its sender repeats shares it."""
    at: float
    topic: str
    key: str | None
    value: str | None
    headers: tuple[tuple[str, str], ...]
    partition: int | None
    """None: the producer's partitioner places it."""
    batch: int | None = None
    """The transaction it is sent in."""
    aborted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One effect that an event decides on."""

    channel: str
    name: str = ""
    """Empty: the runtime numbers it."""
    mode: str = "ok"
    """`ok`; `once`, `fail`: it did not happen, and the channel says so; `hang`: it happened, and
    nobody heard; `lost`: it happened, and the channel says that it cannot tell."""
    s: float = 0.0

    @property
    def fate(self) -> str:
        """`sent`, or the code of the letter that it becomes."""
        if self.mode == "fail":
            return "failed"
        unknown = self.mode in UNSAID and self.channel == "careful"
        return "outcome_unknown" if unknown else "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must become of an event."""

    e: int
    topic: str
    """Whose agent it meets, or whose letters it joins."""
    key: str | None
    """What orders it; None: nothing does."""
    fate: str
    """`done`, a letter's error code, or `never`: it was sent in an aborted transaction."""
    id: str = ""
    """Its sender's, where it has one."""
    parts: int = 0
    """Receipts that it leaves when done."""
    follow: bool = False
    mode: str = "ok"
    steps: bool = False
    """It takes three steps."""
    count: bool = False
    """It adds one to what its agent has counted of its key."""
    audit: bool = False
    """It only tells what has been counted."""
    wait: float = 0.0
    """It asks to be tried again after so many seconds."""
    later: float | None = None
    """It emits a reminder for so many seconds later."""
    acts: tuple[Act, ...] = ()

    def effects(self) -> dict[str, Act]:
        """By id, the effects that it decides on."""
        found: dict[str, Act] = {}
        unnamed = 0
        for act in self.acts:
            unnamed += not act.name
            found[f"{self.id}/{act.name or f'act-{unnamed}'}"] = act
        return found


@dataclass(slots=True, kw_only=True)
class Draft:
    """An event being drawn: as if sent in the plainest way, until somebody changes it."""

    e: int
    topic: str
    who: str | None
    id: str
    data: dict[str, Any]
    to: str | None = None
    """The topic it is sent to, if another than its own."""
    key: str | None = None
    value: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    partition: int | None = None
    fate: str = "done"
    named: bool = True
    """It has an id of its own, so that a repetition is a duplicate."""

    def sent(self, *, n: int, at: float, batch: int | None) -> Sent:
        """As the record that is sent."""
        return Sent(
            n=n,
            e=self.e,
            at=at,
            topic=self.to or self.topic,
            key=self.key,
            value=self.value,
            headers=(*self.headers, (NUMBER, str(n))),
            partition=self.partition,
            batch=batch,
        )

    def expected(self, *, ghost: bool) -> Expected:
        """What must become of it."""
        data = self.data
        return Expected(
            e=self.e,
            topic=self.topic,
            key=self.who,
            id=self.id,
            fate="never" if ghost else self.fate,
            parts=data.get("parts", 0),
            follow=bool(data.get("follow")),
            mode=data.get("mode", "ok"),
            steps=bool(data.get("steps")),
            count=bool(data.get("count")),
            audit=bool(data.get("audit")),
            wait=data.get("wait", 0.0),
            later=data.get("later"),
            acts=tuple(Act(**act) for act in data.get("acts", ())),
        )


def second_copy(sent: Sent, *, n: int, at: float, batch: int | None, aborted: bool = False) -> Sent:
    """The same event again."""
    headers = tuple((k, str(n) if k == NUMBER else v) for k, v in sent.headers)
    return replace(sent, n=n, at=at, batch=batch, aborted=aborted, headers=headers)
