"""Records for tests of the demo: what a worker would leave in Kafka."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamagents.devkit.demo.facts import Content, Places
from streamagents.devkit.demo.summary import Sent
from streamagents.pipeline.identity import seen_key
from streamagents.pipeline.mark import History, Mark, Status
from streamagents.ports import Position

if TYPE_CHECKING:
    from streamagents.events import Headers

CHANGELOG = "starter-state-p4-changelog"
INBOX = "the.inbox"
PLACES = Places(changelogs={CHANGELOG}, consumed=["lead", INBOX], emitted=["scored"])


@dataclass(frozen=True, kw_only=True)
class Written:
    """A record."""

    topic: str
    partition: int = 0
    offset: int = 0
    key: bytes | None = None
    value: bytes | None = b"{}"
    headers: Headers = field(default=())
    timestamp: int = 0


def sent(name: str = "a", *, offset: int = 0, home: str = "lead", topic: str | None = None) -> Sent:
    """One sent event; those of one first letter share their id."""
    return Sent(
        name=name,
        id=f"run-{name[0]}",
        source="test",
        home=home,
        position=Position(topic or home, 0, offset),
        content=Content(key=b"k", value=b"{}", headers=(("h", b"1"),)),
    )


def mark(
    one: Sent, status: Status = Status.DONE, *, attempts: int = 0, key: bytes | None = b"k"
) -> Written:
    """The mark of an event."""
    history = History(error="ValueError: no") if status is Status.WAITING else History()
    value = Mark(status=status, at=1, key=key, attempts=attempts, history=history)
    return Written(
        topic=CHANGELOG, key=seen_key(one.home, one.source, one.id, key), value=value.encode()
    )


def letter(
    one: Sent, *, attempts: int = 1, reason: str = "no good", value: bytes = b"{}"
) -> Written:
    """The dead letter of a record."""
    place = one.position
    headers = {
        "__streams.errors.topic": place.topic,
        "__streams.errors.partition": str(place.partition),
        "__streams.errors.offset": str(place.offset),
        "__streams.errors.message": reason,
        "streamagents-attempts": str(attempts),
        "streamagents-error-code": "failed",
    }
    return Written(
        topic=f"{one.home}{PLACES.letters[0].removeprefix('lead')}",
        key=one.content.key,
        value=value,
        headers=one.content.headers
        + tuple((name, text.encode()) for name, text in headers.items()),
    )


def forward(one: Sent, *, offset: int) -> Written:
    """A record that was written again in the topic of its type."""
    return Written(
        topic=one.home,
        offset=offset,
        headers=(("streamagents-origin", str(one.position).encode()),),
    )


def result(one: Sent, n: int = 1, value: bytes = b'{"tier": "hot", "score": 7}') -> Written:
    """What an agent emitted."""
    return Written(
        topic="scored",
        value=value,
        headers=(("ce_id", f"{one.id}/emit-{n}".encode()), ("ce_type", b"scored")),
    )
