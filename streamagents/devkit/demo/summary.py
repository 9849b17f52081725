"""The summary: what became of the events that were sent, by comparison and never by counters.

    produced = processed + duplicates + dead_lettered + lost

`lost` is what is left over when every event that has an outcome in Kafka has been found.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from streamagents.devkit.demo.facts import Arrived, Emitted, Forwarded, Lettered, Marked
from streamagents.pipeline.identity import seen_key
from streamagents.pipeline.mark import Status

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from streamagents.devkit.demo.facts import Content, Fact
    from streamagents.ports import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One record that the broker acknowledged."""

    name: str
    id: str
    source: str
    home: str
    """The topic whose agent handles it, as on the broker. The inbox: the fallback agent does."""
    position: Position
    content: Content

    @property
    def identity(self) -> bytes:
        """What it shares with its duplicates: the key of its mark, without the event's key."""
        return seen_key(self.home, self.source, self.id, None)


@dataclass(slots=True)
class Evidence:
    """What Kafka says, collected."""

    done: defaultdict[bytes, Counter[bytes]] = field(default_factory=lambda: defaultdict(Counter))
    """By identity, by the mark's whole key: how often an agent finished it."""
    dead: set[bytes] = field(default_factory=set)
    retried: set[bytes] = field(default_factory=set)
    letters: dict[Position, Lettered] = field(default_factory=dict)
    """By the place that the record was first written to."""
    forwards: dict[Position, Position] = field(default_factory=dict)
    emitted: dict[str, Emitted] = field(default_factory=dict)
    committed: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """How far the group has come."""

    def add(self, fact: Fact) -> None:
        """Take a fact into account."""
        if isinstance(fact, Marked):
            self._marked(fact)
        elif isinstance(fact, Lettered):
            self.letters[fact.origin] = fact
        elif isinstance(fact, Forwarded):
            self.forwards[fact.origin] = fact.to
        elif isinstance(fact, Emitted):
            self.emitted[fact.id] = fact

    def letter_of(self, one: Sent) -> Lettered | None:
        """The dead letter of a record, if it is the original."""
        letter = self.letters.get(one.position)
        return letter if letter is not None and one.content.is_kept_in(letter.content) else None

    def consumed(self, position: Position) -> bool:
        """Whether the group is past a record, and past what it was forwarded as."""
        there = self.forwards.get(position, position)
        return all(
            self.committed.get((place.topic, place.partition), 0) > place.offset
            for place in (position, there)
        )

    def _marked(self, mark: Marked) -> None:
        if mark.status is Status.DONE:
            self.done[mark.identity][mark.key] += 1
        elif mark.status is Status.DEAD_LETTERED:
            self.dead.add(mark.identity)
        failed_before = mark.attempts if mark.status is Status.DONE else mark.attempts - 1
        if mark.status is Status.WAITING or (mark.status >= Status.DONE and failed_before > 0):
            self.retried.add(mark.identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many events had which outcome."""

    produced: int = 0
    processed: int = 0
    duplicates: int = 0
    retried: int = 0
    dead_lettered: int = 0
    fallback: int = 0
    lost: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            **{name: value + getattr(other, name) for name, value in asdict(self).items()}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The demo's result."""

    total: Counts
    topics: Mapping[str, Counts]
    """By topic: of consumed ones what became of their events, of others what agents emitted."""
    ran_twice: int
    """How often an agent finished an event again. Never, that is the promise."""
    seconds: float
    rss_mib: int
    provider: str = ""
    """Who answered `ctx.llm`."""
    heard: Mapping[str, int] = field(default_factory=dict)
    """By ear: how many events of the world came in."""

    @property
    def good(self) -> bool:
        """Whether the promise was kept."""
        return not self.total.lost and not self.ran_twice

    def as_dict(self) -> dict[str, Any]:
        """As `demo --json` prints it."""
        return {
            **asdict(self.total),
            "seconds": round(self.seconds, 2),
            "rss_mib": self.rss_mib,
            "ran_twice": self.ran_twice,
            "provider": self.provider,
            "heard": dict(self.heard),
            "topics": {topic: asdict(counts) for topic, counts in self.topics.items()},
        }


def summarize(
    sent: Iterable[Sent],
    evidence: Evidence,
    *,
    inbox: str,
    seconds: float = 0.0,
    rss_mib: int = 0,
    provider: str = "",
    awaited: Mapping[str, int] | None = None,
    heard: Mapping[str, int] | None = None,
) -> Summary:
    """Compare what was sent, and what was to be heard, with what Kafka says.

    Args:
        sent: what was sent, and what has been heard.
        evidence: what Kafka says.
        inbox: the topic whose agent is the fallback.
        seconds: how long it took.
        rss_mib: the memory it took.
        provider: who answered.
        awaited: by topic, how many events are still to be heard: so many are lost.
        heard: by ear, how many were.
    """
    events = _by_identity(sent)
    topics: defaultdict[str, Counts] = defaultdict(Counts)
    for copies in events.values():
        topics[copies[0].home] += _counts(copies, evidence, inbox)
    for topic, missing in (awaited or {}).items():
        topics[topic] += Counts(produced=missing, lost=missing)
    total = sum(topics.values(), Counts())
    own = {copies[0].id for copies in events.values()}
    for event in evidence.emitted.values():
        if event.parent in own:
            topics[event.topic] += Counts(produced=1)
    return Summary(
        total=total,
        topics=dict(topics),
        ran_twice=sum(
            times - 1 for identity in events for times in evidence.done[identity].values()
        ),
        seconds=seconds,
        rss_mib=rss_mib,
        provider=provider,
        heard=dict(heard or {}),
    )


def concerns(fact: Fact, ids: Container[str], places: Container[Position]) -> bool:
    """Whether a fact is about events of these ids, or records that were written to these places."""
    if isinstance(fact, Marked):
        return fact.id in ids
    if isinstance(fact, Emitted):
        return fact.parent in ids
    if isinstance(fact, Arrived):
        return fact.position in places
    return fact.origin in places


def lost_of(sent: Iterable[Sent], evidence: Evidence) -> list[str]:
    """Names of the events of which a copy has no outcome."""
    return [
        copies[0].name
        for copies in _by_identity(sent).values()
        if _counts(copies, evidence, inbox="").lost
    ]


def _by_identity(sent: Iterable[Sent]) -> dict[bytes, list[Sent]]:
    events: defaultdict[bytes, list[Sent]] = defaultdict(list)
    for one in sent:
        events[one.identity].append(one)
    return events


def _counts(copies: list[Sent], evidence: Evidence, inbox: str) -> Counts:
    """Of one event, sent once or several times."""
    identity = copies[0].identity
    unlettered = [one for one in copies if evidence.letter_of(one) is None]
    dead = len(copies) - len(unlettered)
    # Once is all that each may run: a second time is told apart, as `ran_twice`.
    done = min(len(evidence.done[identity]), len(unlettered))
    over = done or identity in evidence.dead
    consumed = sum(evidence.consumed(one.position) for one in unlettered)
    skipped = max(0, consumed - done) if over else 0
    skipped = min(skipped, len(unlettered) - done)
    return Counts(
        produced=len(copies),
        processed=done,
        duplicates=skipped,
        retried=int(identity in evidence.retried),
        dead_lettered=dead,
        fallback=done if copies[0].home == inbox else 0,
        lost=len(unlettered) - done - skipped,
    )
