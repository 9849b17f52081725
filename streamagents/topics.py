"""Every topic of an application, as data: its name, partitions, retention and key rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamagents.events import EventType

INBOX = "streamagents.inbox"
ACTIONS = "streamagents.actions"
TICKS = "streamagents.ticks"
LETTERS = "streamagents.letters"
AUDIT = "streamagents.audit"
LETTERS_SUFFIX = ".dlq"
OUR_TOPICS = "streamagents."
"""No event of a user's begins so."""

DAY_MS = 86_400_000
MIB = 1 << 20
MAX_RECORD_BYTES = 6 * MIB
"""A 5 MB value must arrive, be it only to become a letter."""
MAX_LETTER_BYTES = 7 * MIB
"""The original and what a letter adds to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSpec:
    """One topic as it has to be."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str] = field(default_factory=dict)
    keyed_by: str = ""
    """In words, for `topics plan`: what orders and partitions its records."""
    identified_by: str = ""
    """In words, for `topics plan`: what makes two of its records the same event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where an application's topics are, and how large: the prefix and the defaults."""

    prefix: str = ""
    partitions: int = 4
    replication: int = 1

    def name(self, topic: str) -> str:
        """The topic's name on the broker."""
        return self.prefix + topic

    def letters_name(self, topic: str) -> str:
        """The dead letters of a topic, both names as on the broker."""
        return topic + LETTERS_SUFFIX

    def typed(self, event: EventType) -> TopicSpec:
        """The topic of an event type."""
        return self._delete(
            self.name(event.topic),
            partitions=event.partitions or self.partitions,
            keyed_by=f"field {event.key}" if event.key else "the record's key, else the event id",
            identified_by=f"ce_id, else the envelope's id, else field {event.id}"
            if event.id
            else "ce_id, else the envelope's id, else the record's position",
        )

    def inbox(self) -> TopicSpec:
        """The topic that takes events of any type."""
        return self._delete(
            self.name(INBOX),
            partitions=self.partitions,
            keyed_by="the record's key, else the event id",
            identified_by="ce_id, else the envelope's id, else the record's position",
        )

    def actions(self) -> TopicSpec:
        """The outbox: effects that were decided and are to be delivered."""
        return self._delete(
            self.name(ACTIONS),
            partitions=self.partitions,
            keyed_by="the key of the event that decided it, else its id",
            identified_by="ce_id, the effect's id",
        )

    def ticks(self) -> TopicSpec:
        """What wakes schedules and monitors by the clock."""
        return self._delete(
            self.name(TICKS),
            partitions=self.partitions,
            keyed_by="the name of the schedule or the monitor",
            identified_by="ce_id, `<name>:<slot>`",
        )

    def letters(self, source: TopicSpec) -> TopicSpec:
        """The dead letters of a topic: never compacted, for two letters may share a key."""
        return TopicSpec(
            name=self.letters_name(source.name),
            partitions=source.partitions,
            replication=self.replication,
            config={
                "cleanup.policy": "delete",
                "retention.ms": str(30 * DAY_MS),
                "max.message.bytes": str(MAX_LETTER_BYTES),
            },
            keyed_by="the original's key",
        )

    def letter_states(self) -> TopicSpec:
        """What has become of dead letters: of each the last word."""
        return TopicSpec(
            name=self.name(LETTERS),
            partitions=self.partitions,
            replication=self.replication,
            config={"cleanup.policy": "compact"},
            keyed_by="the letter's position",
        )

    def audit(self) -> TopicSpec:
        """What people did by hand, and when."""
        return TopicSpec(
            name=self.name(AUDIT),
            partitions=self.partitions,
            replication=self.replication,
            config={"cleanup.policy": "delete", "retention.ms": str(90 * DAY_MS)},
            keyed_by="what was done",
        )

    def changelog(self, app_id: str, partitions: int) -> TopicSpec:
        """The changelog of the state table that serves the topics of so many partitions."""
        return TopicSpec(
            name=f"{app_id}-{state_table(partitions)}-changelog",
            partitions=partitions,
            replication=self.replication,
            # A record that waits lies in the state, with what we keep beside it.
            config={"cleanup.policy": "compact", "max.message.bytes": str(MAX_LETTER_BYTES)},
            keyed_by="our state keys",
        )

    def _delete(
        self, name: str, *, partitions: int, keyed_by: str, identified_by: str
    ) -> TopicSpec:
        return TopicSpec(
            name=name,
            partitions=partitions,
            replication=self.replication,
            config={
                "cleanup.policy": "delete",
                "retention.ms": str(7 * DAY_MS),
                "retention.bytes": str(1 << 30),
                "max.message.bytes": str(MAX_RECORD_BYTES),
            },
            keyed_by=keyed_by,
            identified_by=identified_by,
        )


def state_table(partitions: int) -> str:
    """Name of the state table of the topics with so many partitions."""
    return f"state-p{partitions}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActualTopic:
    """One topic as the broker has it."""

    name: str
    partitions: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What has to be done about one topic."""

    action: Literal["create", "configure", "refuse", "none"]
    spec: TopicSpec
    reason: str = ""
    config: Mapping[str, str] = field(default_factory=dict)
    """The settings that differ, as they should be."""


def plan(wanted: Iterable[TopicSpec], actual: Mapping[str, ActualTopic]) -> list[Change]:
    """Compare what has to be with what is. A partition count is never changed here."""
    return [_change(spec, actual.get(spec.name)) for spec in wanted]


def _change(spec: TopicSpec, actual: ActualTopic | None) -> Change:
    if actual is None:
        return Change(action="create", spec=spec, reason="does not exist")
    if actual.partitions != spec.partitions:
        return Change(
            action="refuse",
            spec=spec,
            reason=f"has {actual.partitions} partitions, the application wants {spec.partitions}",
        )
    differing = {
        name: value for name, value in spec.config.items() if actual.config.get(name) != value
    }
    if differing:
        reason = ", ".join(
            f"{name} is {actual.config.get(name, 'unset')}, not {value}"
            for name, value in differing.items()
        )
        return Change(action="configure", spec=spec, reason=reason, config=differing)
    return Change(action="none", spec=spec)
