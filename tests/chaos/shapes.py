"""The kinds of events that a round sends: bytes, place, and what has to become of each."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

NUMBER = "chaos-n"
"""Header of everything that is sent: its number. A forwarded record and a letter keep it."""
FOLLOW = 1_000_000
"""Added to an event's number, the number of the event that follows from it."""
POISONED = 66
"""Exit code of a worker that an event killed."""
KEYS = 120
PARTITIONS = {
    "order": 4,
    "payment": 4,
    "refund": 4,
    "follow": 4,
    "parcel": 3,
    "receipt": 4,
    "streamagents.inbox": 4,
}
INBOX = "streamagents.inbox"
AGENTS = {
    "order": "Seller",
    "payment": "Clerk",
    "refund": "Clerk",
    "follow": "Follower",
    "parcel": "Carrier",
    INBOX: "Finder",
}


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
class Expected:
    """What must become of an event."""

    e: int
    topic: str
    """Whose agent it meets, or whose letters it joins."""
    key: str | None
    """What orders it; None: nothing does."""
    fate: str
    """`done`, a letter's error code, or `never`: it was sent in an aborted transaction."""
    parts: int = 0
    """Receipts that it leaves when done."""
    follow: bool = False
    mode: str = "ok"


@dataclass(slots=True, kw_only=True)
class Draft:
    """An event being drawn: as if sent in the plainest way, until somebody changes it."""

    e: int
    topic: str
    who: str | None
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
        return Expected(
            e=self.e,
            topic=self.topic,
            key=self.who,
            fate="never" if ghost else self.fate,
            parts=self.data.get("parts", 0),
            follow=bool(self.data.get("follow")),
            mode=self.data.get("mode", "ok"),
        )


def second_copy(sent: Sent, *, n: int, at: float, batch: int | None, aborted: bool = False) -> Sent:
    """The same event again."""
    headers = tuple((k, str(n) if k == NUMBER else v) for k, v in sent.headers)
    return replace(sent, n=n, at=at, batch=batch, aborted=aborted, headers=headers)


@dataclass(frozen=True, slots=True)
class Maker:
    """How often a kind is drawn, and how it is made."""

    weight: int
    draw: Callable[[random.Random, Draft], None]
    mode: str = "ok"
    topics: tuple[str, ...] = ("order", "order", "payment", "refund", "parcel", "parcel")

    def make(self, rng: random.Random, e: int, *, slow: float) -> Draft:
        """Draw one event."""
        who = f"k{rng.randrange(KEYS)}"
        seconds = rng.uniform(0, 0.08) if rng.random() < 0.8 else rng.uniform(0.1, 0.5)
        if rng.random() < slow:
            seconds = rng.uniform(2, 7)
            if rng.random() < 0.1:  # beyond every grace: a release has to cancel it
                seconds = rng.uniform(11, 14)
        topic = rng.choice(self.topics)
        data: dict[str, Any] = {
            "e": e,
            "mode": self.mode,
            "s": round(seconds, 3),
            "parts": rng.randrange(1, 3),
        }
        if topic == "order" and self.mode == "ok" and rng.random() < 0.3:
            data["follow"] = True
        draft = Draft(e=e, topic=topic, who=who, key=who, data=data)
        if topic == "parcel":
            data["s"] = min(data["s"], 3.0)  # its agent blocks a thread, which nobody can cancel
            data["id"] = f"parcel-{e}"
        elif topic == "order":
            data |= {"id": f"order-{e}", "who": who}
        else:  # a raw agent: the sender's id is in the headers
            draft.headers = (
                ("ce_specversion", "1.0"),
                ("ce_id", f"{topic}-{e}"),
                ("ce_source", "chaos"),
                ("ce_type", topic),
            )
        draft.value = json.dumps(data)
        self.draw(rng, draft)
        return draft


def _plain(rng: random.Random, draft: Draft) -> None:
    pass


def _no_record_key(rng: random.Random, draft: Draft) -> None:
    draft.key = None
    if draft.topic == "parcel":  # no key field either: the id is the key
        draft.who = f"parcel-{draft.e}"
    elif draft.topic != "order":
        draft.who = f"{draft.topic}-{draft.e}"


def _misplaced(rng: random.Random, draft: Draft) -> None:
    draft.partition = rng.randrange(PARTITIONS[draft.topic])


def _nameless(rng: random.Random, draft: Draft) -> None:
    """Only its position identifies it; its record key still orders it, half of the time."""
    draft.named = False
    draft.headers = ()
    if rng.random() < 0.5:
        draft.key = draft.who = None


def _fails(fate: str) -> Callable[[random.Random, Draft], None]:
    def draw(rng: random.Random, draft: Draft) -> None:
        draft.fate = fate
        if rng.random() < 0.3:
            _misplaced(rng, draft)
        elif rng.random() < 0.3:
            _no_record_key(rng, draft)

    return draw


def _broken(rng: random.Random, draft: Draft) -> None:
    draft.value, draft.fate, draft.named = "{broken \xff", "undecodable", False


def _invalid(rng: random.Random, draft: Draft) -> None:
    draft.value, draft.fate, draft.named = '{"e": "no number"}', "invalid", False
    draft.headers = (("mood", "odd"),)


def _tombstone(rng: random.Random, draft: Draft) -> None:
    draft.value, draft.fate, draft.named = None, "tombstone", False


def _inbox(rng: random.Random, draft: Draft) -> None:
    """Through the inbox, as an envelope or as CloudEvents headers."""
    draft.to = INBOX
    if not draft.headers:
        id_ = draft.data["id"]
        draft.value = json.dumps({"type": draft.topic, "id": id_, "data": draft.data})
    if rng.random() < 0.3:
        _no_record_key(rng, draft)


def _unknown(rng: random.Random, draft: Draft) -> None:
    """A type that nobody registered: the fallback agent's."""
    draft.to = draft.topic = INBOX
    draft.data.pop("follow", None)
    draft.value = json.dumps({"type": "odd", "id": f"odd-{draft.e}", "data": draft.data})
    draft.headers = ()


def _typeless(rng: random.Random, draft: Draft) -> None:
    draft.to = draft.topic = INBOX
    draft.value, draft.headers = json.dumps({"e": draft.e}), ()
    draft.fate, draft.named = "no_type", False


def _inbox_invalid(rng: random.Random, draft: Draft) -> None:
    _invalid(rng, draft)
    draft.to = INBOX
    draft.headers = (("ce_specversion", "1.0"), ("ce_type", draft.topic), ("ce_id", f"i-{draft.e}"))


_RAW = ("payment", "refund")
EVENT_MAKERS = {
    "plain": Maker(700, _plain),
    "no_record_key": Maker(40, _no_record_key),
    "misplaced": Maker(40, _misplaced),
    "nameless": Maker(20, _nameless, topics=_RAW),
    "fail": Maker(8, _fails("failed"), mode="fail"),
    "once": Maker(20, _plain, mode="once"),
    "reject": Maker(8, _fails("rejected"), mode="reject"),
    "poison": Maker(0, _fails("crash"), mode="poison", topics=("order", "payment", "parcel")),
    "broken": Maker(6, _broken),
    "invalid": Maker(6, _invalid, topics=("order", "parcel")),
    "tombstone": Maker(6, _tombstone),
    "inbox": Maker(70, _inbox),
    "unknown": Maker(30, _unknown),
    "typeless": Maker(4, _typeless),
    "inbox_invalid": Maker(4, _inbox_invalid, topics=("order", "parcel")),
}
