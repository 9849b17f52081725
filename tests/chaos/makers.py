"""The kinds of events that a round sends: bytes, place, and what has to become of each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chaos.deeds import draw_deeds
from chaos.shapes import INBOX, PARTITIONS, Draft

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Collection

_RAW = ("payment", "refund")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taste:
    """What a round's size says about each of its events."""

    keys: int
    slow: float
    deeds: Collection[str]
    parked: bool
    """It may ask for a wait that is longer than a lane is held."""


@dataclass(frozen=True, slots=True)
class Maker:
    """How often a kind is drawn, and how it is made."""

    weight: int
    draw: Callable[[random.Random, Draft], None]
    mode: str = "ok"
    topics: tuple[str, ...] = ("order", "order", "payment", "refund", "parcel", "parcel")
    eager: int = 1
    """How much likelier than others it does more than emit its receipts."""

    def make(self, rng: random.Random, e: int, taste: Taste) -> Draft:
        """Draw one event."""
        who, topic = f"k{rng.randrange(taste.keys)}", rng.choice(self.topics)
        data: dict[str, Any] = {
            "e": e,
            "mode": self.mode,
            "s": round(_seconds(rng, taste.slow), 3),
            "parts": rng.randrange(1, 3),
        }
        draft = Draft(e=e, topic=topic, who=who, key=who, id=f"{topic}-{e}", data=data)
        if self.eager:
            draw_deeds(rng, draft, taste.deeds, eager=self.eager, parked=taste.parked)
        if topic == "parcel":
            data["s"] = min(data["s"], 3.0)  # its agent blocks a thread, which nobody can cancel
            data["id"] = draft.id
        elif topic == "order":
            data |= {"id": draft.id, "who": who}
        else:  # a raw agent: the sender's id is in the headers
            draft.headers = (
                ("ce_specversion", "1.0"),
                ("ce_id", draft.id),
                ("ce_source", "chaos"),
                ("ce_type", topic),
            )
        draft.value = json.dumps(data)
        self.draw(rng, draft)
        return draft


def _seconds(rng: random.Random, slow: float) -> float:
    seconds = rng.uniform(0, 0.08) if rng.random() < 0.8 else rng.uniform(0.1, 0.5)
    if rng.random() < slow:
        seconds = rng.uniform(2, 7)
        if rng.random() < 0.1:  # beyond every grace: a release has to cancel it
            seconds = rng.uniform(11, 14)
    return seconds


def _plain(rng: random.Random, draft: Draft) -> None:
    pass


def _no_record_key(rng: random.Random, draft: Draft) -> None:
    draft.key = None
    if draft.topic != "order":  # no key field either: the id is the key
        draft.who = draft.id


def _misplaced(rng: random.Random, draft: Draft) -> None:
    draft.partition = rng.randrange(PARTITIONS[draft.topic])


def _nameless(rng: random.Random, draft: Draft) -> None:
    """Only its position identifies it; its record key still orders it, half of the time."""
    draft.named = False
    draft.id, draft.headers = "", ()
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
        draft.value = json.dumps({"type": draft.topic, "id": draft.id, "data": draft.data})
    if rng.random() < 0.3:
        _no_record_key(rng, draft)


def _unknown(rng: random.Random, draft: Draft) -> None:
    """A type that nobody registered: the fallback agent's."""
    draft.to = draft.topic = INBOX
    draft.id = f"odd-{draft.e}"
    for order_only in ("follow", "later"):
        draft.data.pop(order_only, None)
    draft.value = json.dumps({"type": "odd", "id": draft.id, "data": draft.data})
    draft.headers = ()


def _typeless(rng: random.Random, draft: Draft) -> None:
    draft.to = draft.topic = INBOX
    draft.value, draft.headers = json.dumps({"e": draft.e}), ()
    draft.fate, draft.named = "no_type", False


def _inbox_invalid(rng: random.Random, draft: Draft) -> None:
    _invalid(rng, draft)
    draft.to = INBOX
    draft.headers = (("ce_specversion", "1.0"), ("ce_type", draft.topic), ("ce_id", f"i-{draft.e}"))


EVENT_MAKERS = {
    "plain": Maker(700, _plain),
    "no_record_key": Maker(40, _no_record_key),
    "misplaced": Maker(40, _misplaced),
    "nameless": Maker(20, _nameless, topics=_RAW, eager=0),
    "fail": Maker(8, _fails("failed"), mode="fail", eager=3),
    "once": Maker(20, _plain, mode="once", eager=3),
    "reject": Maker(8, _fails("rejected"), mode="reject", eager=3),
    "poison": Maker(0, _fails("crash"), mode="poison", topics=("order", "payment", "parcel")),
    "broken": Maker(6, _broken, eager=0),
    "invalid": Maker(6, _invalid, topics=("order", "parcel"), eager=0),
    "tombstone": Maker(6, _tombstone, eager=0),
    "inbox": Maker(70, _inbox),
    "unknown": Maker(30, _unknown),
    "typeless": Maker(4, _typeless, eager=0),
    "inbox_invalid": Maker(4, _inbox_invalid, topics=("order", "parcel"), eager=0),
}
