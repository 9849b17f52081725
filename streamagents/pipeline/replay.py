"""Replay: what a replayed letter says of itself, and what has become of a letter.

A person sends a letter again; whoever settles it answers in the topic of letters, in the same
transaction as the event's mark. Of each letter the last word counts.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic_core import from_json, to_json

from streamagents.events.envelope import header
from streamagents.events.wire import rfc3339
from streamagents.pipeline.dedupe import replay_count
from streamagents.pipeline.identity import read_position
from streamagents.pipeline.mark import Status
from streamagents.pipeline.outcome import Skip
from streamagents.ports import Outgoing

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from streamagents.events import Headers
    from streamagents.pipeline.mark import Mark
    from streamagents.pipeline.outcome import DeadLetter, Forward, Incoming
    from streamagents.ports import Position, Record

TARGET_GROUP = "streamagents-target-group"
"""Header: the consumer group that is to handle a replayed letter; our other groups skip it."""
LETTER = "streamagents-letter"
"""Header: where the letter lies, so that it can be answered."""
FRESH = "streamagents-fresh"
"""Header: the steps that were paid for do not count."""

_Decision: TypeAlias = "Incoming | Skip | Forward | DeadLetter"
_BY_CHARACTERS = 200


class Stage(StrEnum):
    """How far a letter has come. Without any it is open."""

    REPLAYED = "replayed"
    """Sent again, to a worker that will answer."""
    PARKED = "parked"
    """Replayed too often: for people only."""
    SENT = "sent"
    """Sent again to somebody who does not answer."""
    DONE = "done"
    """Its event succeeded."""
    REPLACED = "replaced"
    """Its event failed again, and another letter lies there."""
    PURGED = "purged"

    @property
    def closed(self) -> bool:
        """Whether nobody has to look at the letter any more."""
        return self not in {Stage.REPLAYED, Stage.PARKED}


@dataclass(frozen=True, slots=True)
class Paid:
    """Where the state keeps what a letter's event has paid for."""

    group: str
    """The consumer group whose state it is."""
    mark: bytes
    """The state key of the event's mark: its steps are found by it."""

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return {"group": self.group, "mark": b64encode(self.mark).decode()}

    @classmethod
    def read(cls, said: Any) -> Paid | None:
        """Out of JSON; None for what is none."""
        try:
            return cls(str(said["group"]), b64decode(said["mark"], validate=True))
        except (ValueError, TypeError, KeyError):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterState:
    """The last word on a letter: a value in the topic of letters, under the letter's position."""

    stage: Stage
    replay: int
    by: str
    """A person at a machine, or the application that answered."""
    at: str
    """RFC 3339."""
    frees: Paid | None = None
    """Of a purged letter: what its worker is to throw away."""

    def encode(self) -> bytes:
        """Its bytes."""
        said: dict[str, Any] = {
            "state": self.stage,
            "replay": self.replay,
            "by": self.by,
            "at": self.at,
        }
        if self.frees is not None:
            said["frees"] = self.frees.as_dict()
        return to_json(said, inf_nan_mode="null")

    @classmethod
    def decode(cls, value: bytes | None) -> LetterState | None:
        """Read one; None for a tombstone, and for what is none: a letter is rather shown again."""
        try:
            said: Any = from_json(value or b"null")
            return cls(
                stage=Stage(said["state"]),
                replay=int(said["replay"]),
                by=str(said["by"])[:_BY_CHARACTERS],
                at=str(said["at"])[:_BY_CHARACTERS],
                frees=Paid.read(said["frees"]) if "frees" in said else None,
            )
        except (ValueError, TypeError, KeyError):
            return None


def for_group(decide: Callable[[Record], _Decision], group: str) -> Callable[[Record], _Decision]:
    """Decide as before, but skip what was sent again to another group."""
    ours = group.encode()

    def decide_ours(record: Record) -> _Decision:
        if record.headers:
            target = header(tuple(record.headers), TARGET_GROUP)
            if target is not None and target != ours:
                return Skip("other_group")
        return decide(record)

    return decide_ours


def letter_of(headers: Headers) -> Position | None:
    """Which letter a record replays; None if it is none that asks for an answer."""
    return read_position(header(headers, LETTER)) if headers else None


def is_fresh(headers: Headers) -> bool:
    """Whether a replay is to pay for its steps again."""
    return header(headers, FRESH) == b"1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Says in the topic of letters what became of replayed ones."""

    topic: str
    partitions: int
    partition_of: Callable[[bytes, int], int]
    by: str

    def of(self, record: Record, stage: Stage, now: datetime) -> tuple[Outgoing, ...]:
        """The answer to a replayed letter; nothing for any other record."""
        headers = tuple(record.headers)
        letter = letter_of(headers)
        if letter is None:
            return ()
        key = str(letter).encode()
        state = LetterState(
            stage=stage, replay=replay_count(headers), by=self.by, at=rfc3339(now).decode()
        )
        return (
            Outgoing(
                topic=self.topic,
                key=key,
                value=state.encode(),
                partition=self.partition_of(key, self.partitions),
            ),
        )

    def of_duplicate(
        self, record: Record, mark: Mark | None, now: datetime
    ) -> tuple[Outgoing, ...]:
        """The answer to a letter that somebody else has replayed, too."""
        if mark is None or (mark.status is not Status.DONE and not _is_later(mark, record)):
            return ()
        stage = Stage.DONE if mark.status is Status.DONE else Stage.REPLACED
        return self.of(record, stage, now)


def _is_later(mark: Mark, record: Record) -> bool:
    """Whether another letter of the event, of this replay or a later one, lies there."""
    return mark.finished and mark.replay >= replay_count(tuple(record.headers)) > 0
