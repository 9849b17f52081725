"""Growing: where the state of a topic belongs when the topic gets more partitions.

Every value in the state stores its record key (see `stored.py` and `mark.py`), and the key says
where it goes. What has no key stays on its partition.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from streamagents.errors import EventError
from streamagents.pipeline.chain import read
from streamagents.pipeline.identity import forwarded_headers, read_seen_key
from streamagents.pipeline.mark import Mark
from streamagents.pipeline.places import (
    DELAYED,
    MARKS,
    PARKED,
    STEPS,
    VALUES,
    delayed_key,
    due_of,
    steps_of,
    values_of,
)
from streamagents.pipeline.stored import decode_record, encode_record, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from streamagents.agents import Registration
    from streamagents.pipeline.stored import StoredRecord
    from streamagents.ports import Record

_PREFIX_BYTES = len(steps_of(b""))
_NOWHERE = -1
_OFFSET_BITS = 40
"""Offsets of two partitions meet in one: the old partition's number goes above them."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One value of the state, where it belongs."""

    partition: int
    key: bytes
    value: bytes
    old_key: bytes


class Entries(Protocol):
    """The state of one partition; a dict is one."""

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """Keys and values, from the beginning each time."""


class Growth:
    """Decides about the state of topics that are handled by the same agents.

    Args:
        registrations: who handles what, by topic: those that are grown.
        partition_of: where a key will belong.
        name_of: makes a header's name of its bytes, which may be no UTF-8.
    """

    def __init__(
        self,
        registrations: Mapping[str, Registration],
        partition_of: Callable[[bytes], int],
        name_of: Callable[[bytes], str] = bytes.decode,
    ) -> None:
        self._registrations, self._partition_of = registrations, partition_of
        self._name_of = name_of
        self._agents = {registration.name for registration in registrations.values()}

    def moves(self, partition: int, state: Entries) -> Iterator[Moved]:
        """What of one partition's state belongs to the topics, and where it goes."""
        # Few events have steps: where each of a million others goes, needs no memory.
        steps = {key[:_PREFIX_BYTES]: _NOWHERE for key, _ in state.items() if key.startswith(STEPS)}
        for key, value in state.items():
            moved = self._moved(partition, key, value)
            if moved is None:
                continue
            if steps and key.startswith(MARKS) and (owned := steps_of(key)) in steps:
                steps[owned] = moved.partition
            yield moved
        for key, value in state.items():
            if key.startswith(STEPS) and (to := steps[key[:_PREFIX_BYTES]]) != _NOWHERE:
                yield Moved(to, key, value, key)

    def _moved(self, partition: int, key: bytes, value: bytes) -> Moved | None:
        """One entry; None if it stays. Steps go with the mark of their event."""
        if key.startswith(MARKS) and (seen := read_seen_key(key)) is not None:
            if seen.topic in self._registrations:
                return Moved(self._of_mark(partition, key, value), key, value, key)
        elif key.startswith(VALUES):
            owner = key_of(value) or b""
            if any(key.startswith(values_of(agent, owner)) for agent in self._agents):
                return Moved(self._partition_of(owner), key, value, key)
        elif key.startswith((PARKED, DELAYED)):
            record = decode_record(key, value, self._name_of)
            if record.topic in self._registrations:
                return self._of_record(partition, record)
        return None

    def place(self, record: Record) -> int:
        """Where a record belongs; what cannot be read, or has no key, stays."""
        registration = self._registrations[record.topic]
        try:
            key = read(record, registration, topic=record.topic).key
        except EventError:
            return record.partition
        return record.partition if key is None else self._partition_of(key)

    def _of_mark(self, partition: int, key: bytes, value: bytes) -> int:
        owner = Mark.decode(value).key
        keyless = key.split(b"\0", 2)[2][:1] == b"-"  # known by its position, it lies where it lay
        return partition if owner is None or keyless else self._partition_of(owner)

    def _of_record(self, partition: int, record: StoredRecord) -> Moved:
        to = self.place(record)
        entry = record.entry
        if to != partition:
            headers = forwarded_headers(record, record.headers)
            record = replace(record, partition=to, headers=headers)
            if entry.startswith(DELAYED):
                number = (partition + 1) << _OFFSET_BITS | record.offset
                entry = delayed_key(due_of(entry), record.topic, number)
        return Moved(to, entry, encode_record(record, record.due_ms), record.entry)
