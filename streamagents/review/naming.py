"""Naming: what a letter's event is called, as the application that failed would read it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from streamagents.errors import EventError
from streamagents.pipeline.chain import read
from streamagents.pipeline.replay import Paid
from streamagents.topics import LETTERS_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamagents.agents import Registration
    from streamagents.events import Headers
    from streamagents.pipeline.outcome import Incoming
    from streamagents.review.letter import Letter
    from streamagents.review.plan import Send


@dataclass(frozen=True, slots=True, kw_only=True)
class _AsRead:
    """A letter as its worker will read it: the port `Record`."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int


def read_event(letter: Letter, topic: str, registration: Registration) -> Incoming:
    """The event of a letter.

    Args:
        letter: the letter.
        topic: where the event is handled.
        registration: who handles it.

    Raises:
        EventError: it cannot be read.
    """
    origin = letter.origin or letter.at
    record = _AsRead(
        topic=origin.topic,
        partition=origin.partition,
        offset=origin.offset,
        key=letter.key,
        value=letter.value,
        headers=letter.own_headers,
        timestamp=letter.written_ms,
    )
    return read(record, registration, topic=topic)


def placed(
    letter: Letter,
    where: Send,
    registration: Registration | None,
    partition_of: Callable[[bytes], int],
) -> Send:
    """Where the event's marks lie by now: its topic may have been grown since.

    Args:
        letter: the letter.
        where: where the plan sends it.
        registration: who will handle it; None: nobody here knows.
        partition_of: where a key belongs on the target topic.
    """
    if registration is None or not where.in_place:
        return where
    try:
        key = read_event(letter, where.topic, registration).key
    except EventError:  # it is known by its position, and stays where it lay
        return where
    return where if key is None else replace(where, partition=partition_of(key))


class Payments:
    """Knows where an application's state keeps what its letters' events have paid for.

    Args:
        group: the application's consumer group.
        registrations: who handles what, by topic.
    """

    def __init__(self, group: str, registrations: Mapping[str, Registration]) -> None:
        self._group, self._registrations = group, registrations

    def __call__(self, letter: Letter) -> Paid | None:
        """Of one letter; None for those of other groups, and for what cannot be read."""
        topic = letter.at.topic.removesuffix(LETTERS_SUFFIX)
        registration = self._registrations.get(topic)
        if registration is None or letter.fault.group != self._group:
            return None
        try:
            return Paid(self._group, read_event(letter, topic, registration).seen_key)
        except EventError:  # no agent has ever begun with it
            return None


class Names:
    """Knows the ids that an application's models name.

    Args:
        registrations: who handles what, by topic.
    """

    def __init__(self, registrations: Mapping[str, Registration]) -> None:
        self._registrations = registrations

    def __call__(self, letter: Letter) -> list[str]:
        """What the event may be called, the most telling first."""
        topic = letter.at.topic.removesuffix(LETTERS_SUFFIX)
        registration = self._registrations.get(topic)
        told = letter.ids()
        if registration is None or letter.value is None:
            return told
        try:
            return list(dict.fromkeys([read_event(letter, topic, registration).id, *told]))
        except EventError:
            return told
