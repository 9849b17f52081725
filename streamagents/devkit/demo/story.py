"""The story: what happened last, one line an event, in words."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from streamagents.devkit.demo.facts import Arrived, Emitted, Forwarded, Lettered, Marked
from streamagents.pipeline.mark import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamagents.devkit.demo.facts import Fact
    from streamagents.devkit.demo.summary import Evidence, Sent
    from streamagents.ports import Position

Kind = Literal["processed", "duplicate", "retried", "dead"]

_KEPT = 100
_SHORT = 24
"""A value up to so long is a word rather than a text."""
_UNTOLD = frozenset({"subject", "draft", "provider", "reasons"})


@dataclass(slots=True, kw_only=True)
class Line:
    """What became of one event."""

    topic: str
    name: str
    own: bool
    """It is one of this run's, not somebody else's."""
    kind: Kind
    text: str = ""
    tries: str = ""
    """How its text begins, where it took more than one attempt."""
    clock: str = ""
    changed: float = 0.0
    """When, on the monotonic clock."""
    told: bool = False
    """For whoever prints each line once."""


class Story:
    """Collects lines from facts; the one that changed last is the last one."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._own: dict[str, Sent] = {}
        self._places: dict[Position, Sent] = {}
        self._results: dict[str, dict[str, Emitted]] = {}
        self._duplicates: set[Position] = set()

    def sent(self, one: Sent) -> None:
        """An event is on its way: it has a name from here on."""
        self._own.setdefault(one.id, one)
        self._places[one.position] = one

    def take(self, fact: Fact) -> None:
        """Tell what a fact says, if it is worth telling."""
        if isinstance(fact, Emitted):
            self._emitted(fact)
        elif isinstance(fact, Lettered):
            self._lettered(fact)
        elif isinstance(fact, Marked):
            self._marked(fact)
        else:
            _: Forwarded | Arrived = fact  # a way, no outcome

    def skipped(self, sent: Iterable[Sent], evidence: Evidence) -> None:
        """Tell of duplicates that were passed over: they leave nothing in Kafka but progress."""
        firsts: dict[bytes, bool] = {}
        for one in sent:
            if evidence.letter_of(one) is not None:
                continue
            first = firsts.setdefault(one.identity, False) is False
            firsts[one.identity] = True
            over = bool(evidence.done[one.identity]) or one.identity in evidence.dead
            if first or not over or not evidence.consumed(one.position):
                continue
            if one.position not in self._duplicates:
                self._duplicates.add(one.position)
                text = f"{self._name(one.id)} ran before: skipped"
                self._tell(str(one.position), one.home, one.name, "duplicate", text=text)

    def last(self, count: int) -> list[Line]:
        """The lines that changed last, oldest first."""
        return list(self._lines.values())[-count:] if count > 0 else []

    def untold(self, settled_s: float = 0.0) -> list[Line]:
        """Each line once it has not changed for so long, and again when it changes later."""
        before = time.monotonic() - settled_s
        lines = [line for line in self._lines.values() if not line.told and line.changed <= before]
        for line in lines:
            line.told = True
        return lines

    def _emitted(self, event: Emitted) -> None:
        self._results.setdefault(event.parent, {})[event.id] = event
        while len(self._results) > _KEPT:
            del self._results[next(iter(self._results))]
        if (line := self._lines.get(event.parent)) and line.kind == "processed":
            line.text, line.told = line.tries + self._result(event.parent), False

    def _lettered(self, letter: Lettered) -> None:
        one = self._places.get(letter.origin)
        id_ = one.id if one else letter.id or str(letter.origin)
        text = f"dead letter, {letter.code}: {one_line(letter.reason)}"
        self._tell(id_, one.home if one else letter.topic, self._name(id_), "dead", text=text)

    def _marked(self, mark: Marked) -> None:
        topic, name = mark.topic, self._name(mark.id)
        if mark.status is Status.DONE:
            tries = f"at attempt {mark.attempts + 1}: " if mark.attempts else ""
            text = tries + self._result(mark.id)
            self._tell(mark.id, topic, name, "processed", text=text, tries=tries)
        elif mark.status is Status.WAITING:
            text = f"attempt {mark.attempts} failed, tried again: {one_line(mark.error)}"
            self._tell(mark.id, topic, name, "retried", text=text)

    def _result(self, id_: str) -> str:
        """What the agent emitted: the first in full, of the others the type."""
        events = [event for _, event in sorted(self._results.get(id_, {}).items())]
        if not events:
            return "done"
        return "; ".join([phrase(events[0]), *(event.type for event in events[1:])])

    def _name(self, id_: str) -> str:
        if id_ in self._own:
            return self._own[id_].name
        event, _, effect = id_.rpartition("/")  # what an event decided goes by the event's name
        return f"{self._own[event].name}/{effect}" if event in self._own else id_

    def _tell(
        self, key: str, topic: str, name: str, kind: Kind, *, text: str, tries: str = ""
    ) -> None:
        self._lines.pop(key, None)  # to the end
        self._lines[key] = Line(
            topic=topic,
            name=name,
            own=name != key,
            kind=kind,
            text=text,
            tries=tries,
            clock=time.strftime("%H:%M:%S"),
            changed=time.monotonic(),
        )
        while len(self._lines) > _KEPT:
            del self._lines[next(iter(self._lines))]


def phrase(event: Emitted) -> str:
    """What an agent said, in a line: the words of its result, and how its draft begins."""
    words = [
        value if isinstance(value, str) else f"{name.replace('_', ' ')} {value}"
        for name, value in event.data.items()
        if name not in _UNTOLD and isinstance(value, str | int) and not isinstance(value, bool)
        if 0 < len(str(value)) <= _SHORT
    ]
    draft = _body(str(event.data.get("draft") or ""))
    return f"{event.type}: {', '.join(words)}" + (f" “{draft}”" if draft else "")


def one_line(text: str, limit: int = 200) -> str:
    """A text without its line breaks and control characters, cut."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _body(draft: str) -> str:
    """A draft without its salutation."""
    first, _, rest = draft.partition("\n")
    return one_line(rest if first.rstrip().endswith(",") else draft, 80)
