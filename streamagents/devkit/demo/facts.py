"""Facts: what a record that lies in Kafka says about an event. Pure, and without the worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic_core import from_json

from streamagents.events.envelope import header
from streamagents.pipeline.identity import origin_of, read_seen_key
from streamagents.pipeline.mark import Mark, Status
from streamagents.ports import Position
from streamagents.topics import LETTERS_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Collection

    from streamagents.events import Headers
    from streamagents.ports import Record

_ERRORS = "__streams.errors."
_EMITTED = "/emit-"
_TRIGGERS = ("monitor/", "cron/", "hooks/", "files/")
"""How the sources of triggers begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a sender wrote."""

    key: bytes | None
    value: bytes | None
    headers: Headers

    def is_kept_in(self, letter: Content) -> bool:
        """Whether a letter holds all of it, untouched; a letter adds headers behind its own."""
        return (
            self.key == letter.key
            and self.value == letter.value
            and self.headers == letter.headers[: len(self.headers)]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """The state says where an event stands."""

    key: bytes
    identity: bytes
    """The key without what tells apart two events of one id, which is their own key."""
    topic: str
    id: str
    status: Status
    attempts: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lettered:
    """A record became a dead letter."""

    origin: Position
    topic: str
    """Whose letter it is."""
    id: str
    attempts: int
    code: str
    reason: str
    content: Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Emitted:
    """An agent emitted an event."""

    topic: str
    id: str
    parent: str
    """The id of the event that it answers."""
    type: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """A record was written again where it belongs."""

    origin: Position
    to: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A trigger wrote an event."""

    topic: str
    id: str
    source: str
    position: Position
    content: Content


Fact: TypeAlias = Marked | Lettered | Emitted | Forwarded | Arrived


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Which topics hold what."""

    changelogs: Collection[str]
    consumed: Collection[str]
    emitted: Collection[str]

    @property
    def letters(self) -> list[str]:
        """The topics of the dead letters."""
        return [topic + LETTERS_SUFFIX for topic in self.consumed]

    @property
    def all(self) -> list[str]:
        """Every topic that has something to say."""
        return [*dict.fromkeys([*self.consumed, *self.emitted, *self.letters, *self.changelogs])]


def facts_of(record: Record, places: Places) -> list[Fact]:
    """What one record says."""
    if record.topic in places.changelogs:
        return _marked(record)
    if record.topic in places.letters:
        return _lettered(record)
    ways = [*_forwarded(record), *_arrived(record)] if record.topic in places.consumed else []
    return [*ways, *_emitted(record)]


def _marked(record: Record) -> list[Fact]:
    key, value = record.key or b"", record.value
    seen = read_seen_key(key)
    if seen is None or value is None:
        return []
    mark = Mark.decode(value)
    return [
        Marked(
            key=key,
            identity=seen.identity,
            topic=seen.topic,
            id=seen.id,
            status=mark.status,
            attempts=mark.attempts,
            error=mark.history.error,
        )
    ]


def _lettered(record: Record) -> list[Fact]:
    headers = tuple(record.headers)

    def text(name: str) -> str:
        return (header(headers, name) or b"").decode(errors="replace")

    partition, offset = text(_ERRORS + "partition"), text(_ERRORS + "offset")
    if not (partition.isdigit() and offset.isdigit()):
        return []  # not written by us
    attempts = text("streamagents-attempts")
    return [
        Lettered(
            origin=Position(text(_ERRORS + "topic"), int(partition), int(offset)),
            topic=record.topic.removesuffix(LETTERS_SUFFIX),
            id=text("ce_id"),
            attempts=int(attempts) if attempts.isdigit() else 0,
            code=text("streamagents-error-code"),
            reason=text(_ERRORS + "message"),
            content=Content(key=record.key, value=record.value, headers=headers),
        )
    ]


def _forwarded(record: Record) -> list[Fact]:
    origin, _, forwarded = origin_of(record, tuple(record.headers))
    own = Position(record.topic, record.partition, record.offset)
    return [Forwarded(origin=origin, to=own)] if forwarded else []


def _arrived(record: Record) -> list[Fact]:
    headers = tuple(record.headers)
    id_, source = (
        (header(headers, name) or b"").decode(errors="replace") for name in ("ce_id", "ce_source")
    )
    if not source.startswith(_TRIGGERS) or origin_of(record, headers)[2]:
        return []
    return [
        Arrived(
            topic=record.topic,
            id=id_,
            source=source,
            position=Position(record.topic, record.partition, record.offset),
            content=Content(key=record.key, value=record.value, headers=headers),
        )
    ]


def _emitted(record: Record) -> list[Fact]:
    headers = tuple(record.headers)
    id_ = (header(headers, "ce_id") or b"").decode(errors="replace")
    parent, emitted, _ = id_.rpartition(_EMITTED)
    if not emitted:
        return []
    try:
        data = from_json(record.value or b"")
    except ValueError:
        return []  # no agent of ours emits what is no JSON
    return [
        Emitted(
            topic=record.topic,
            id=id_,
            parent=parent,
            type=(header(headers, "ce_type") or b"").decode(errors="replace"),
            data=data if isinstance(data, dict) else {},
        )
    ]
