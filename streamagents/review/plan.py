"""The plan of a replay: for each letter, whether it goes, where to, and why not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from streamagents.pipeline.replay import Stage
from streamagents.review.shown import safe
from streamagents.topics import LETTERS_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.review.letter import Letter


@dataclass(frozen=True, slots=True)
class Send:
    """It goes."""

    topic: str
    partition: int | None
    """None: its key decides."""
    in_place: bool
    """It lies where the marks of its event lie, so that it is known by its old position."""


@dataclass(frozen=True, slots=True)
class Park:
    """It was replayed too often: only a person gets it from here."""


@dataclass(frozen=True, slots=True)
class Leave:
    """It stays as it is, and that is in order."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """It cannot go."""

    reason: str


Verdict: TypeAlias = Send | Park | Leave | Refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a person asks of a replay."""

    max_replays: int = 3
    parked: bool = False
    """Parked letters, too."""
    again: bool = False
    """Those, too, whose last replay has no outcome yet."""
    purged: bool = False
    """Those of a file, too, that were purged."""
    fresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What there is to replay to."""

    topics: Mapping[str, int]
    """On the broker, by name the number of partitions."""
    group: str = ""
    """The application at hand."""
    consumed: frozenset[str] = frozenset()
    """What it consumes."""


def decide(letter: Letter, terms: Terms, around: Surroundings) -> Verdict:
    """Decide about one letter."""
    left = _left(letter, terms)
    if left is not None:
        return left
    where = target(letter, around)
    if isinstance(where, Refuse):
        return where
    if letter.fault.replays >= terms.max_replays and not terms.parked:
        return Park()
    return where


def _left(letter: Letter, terms: Terms) -> Leave | None:
    stage = None if letter.state is None else letter.state.stage
    if stage is None or (stage is Stage.PARKED and terms.parked):
        return None
    if stage is Stage.REPLAYED:
        return None if terms.again else Leave("under way: replayed, and not settled yet (--again)")
    if stage is Stage.PARKED:
        return Leave("parked for people (--parked)")
    if stage is Stage.PURGED:
        return None if terms.purged else Leave("closed: purged (--purged)")
    return Leave(f"closed: {stage.value}")


def target(letter: Letter, around: Surroundings) -> Send | Refuse:
    """Where a letter goes."""
    fault, at = letter.fault, letter.at
    ours = fault.convention == "streamagents"
    # Ours lies beside the topic in which it was handled, which need not be where it was sent to.
    beside = ours and at.topic.endswith(LETTERS_SUFFIX)
    topic = at.topic.removesuffix(LETTERS_SUFFIX) if beside else fault.topic
    if not topic:
        return Refuse("its headers do not say which topic it came from")
    if letter.key is None and letter.value is None:
        return Refuse("it has neither key nor value")
    partitions = around.topics.get(topic)
    if partitions is None:
        return Refuse(f"its topic {topic} is gone")
    if fault.group and fault.group == around.group and topic not in around.consumed:
        return Refuse(f"no agent of {around.group} takes {topic} any more")
    number = at.partition if beside else fault.partition
    kept = number is not None and number < partitions
    if beside and around.topics.get(at.topic, partitions) != partitions:
        kept = False  # one of the two was grown: the key has to decide anew
    return Send(topic, number if kept else None, in_place=kept)


class Route(NamedTuple):
    """What a plan's letters are counted by."""

    topic: str
    group: str
    agent: str


@dataclass(slots=True)
class Plan:
    """What a replay would do, in numbers: of any number of letters."""

    sends: Counter[Route] = field(default_factory=Counter)
    parks: int = 0
    leaves: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    strangers: int = 0
    """Letters of others, whose outcome nobody tells us."""
    purged: int = 0
    """Letters that go although they were purged: what they had paid for was thrown away."""

    def add(self, letter: Letter, verdict: Verdict) -> None:
        """Count one letter."""
        if isinstance(verdict, Send):
            fault = letter.fault
            self.sends[Route(verdict.topic, fault.group, fault.agent)] += 1
            self.strangers += fault.convention != "streamagents"
            self.purged += letter.state is not None and letter.state.stage is Stage.PURGED
        elif isinstance(verdict, Park):
            self.parks += 1
        elif isinstance(verdict, Leave):
            self.leaves[verdict.reason] += 1
        else:
            self.refusals[verdict.reason] += 1

    @property
    def sent(self) -> int:
        """Letters that go."""
        return self.sends.total()

    def as_dict(self) -> dict[str, object]:
        """For `--json`."""
        return {
            "replay": self.sent,
            "targets": [{**route._asdict(), "letters": n} for route, n in self.sends.items()],
            "park": self.parks,
            "left": dict(self.leaves),
            "refused": dict(self.refusals),
        }

    def lines(self, terms: Terms) -> list[str]:
        """For a person."""
        return [safe(line) for line in (*self._goes(terms), *self._stays(terms))]

    def _goes(self, terms: Terms) -> list[str]:
        said = [f"Replay {_letters(self.sent)}."]
        for route, number in self.sends.most_common():
            group = f"group {route.group}" if route.group else "every group"
            agent = f", {route.agent}" if route.agent else ""
            said.append(f"  {number:>7,} to {route.topic}: {group}{agent}")
        if self.sent:
            said.append(
                "Our other groups skip them; any other consumer of these topics sees them again."
            )
            said.append(
                "Steps run and are paid for again."
                if terms.fresh
                else "Steps that were paid for are not paid for again."
            )
        if self.purged:
            said.append(
                f"{_letters(self.purged)} purged before: their steps run and are paid for again."
            )
        if self.strangers:
            said.append(
                f"{_letters(self.strangers)} of others: closed when sent, for nobody tells us "
                "what becomes of them."
            )
        return said

    def _stays(self, terms: Terms) -> list[str]:
        said = []
        if self.parks:
            said.append(
                f"Park {_letters(self.parks)} for people: replayed {terms.max_replays} times "
                "or more."
            )
        said += [f"Leave {_letters(n)}: {why}." for why, n in self.leaves.most_common()]
        said += [f"Cannot replay {_letters(n)}: {why}." for why, n in self.refusals.most_common()]
        return said


def _letters(number: int) -> str:
    return f"{number:,} letter" if number == 1 else f"{number:,} letters"
