"""`Event`: the pydantic model that names a topic, a type, and the field that orders its events."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from streamagents.errors import ConfigurationError

Tombstones = Literal["letter", "skip"]
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_METHODS = frozenset({"event_key", "event_id"})
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """What the class statement of an event says about its topic."""

    type: str
    topic: str
    key: str | None
    id: str | None
    tombstones: Tombstones
    partitions: int | None


class Event(BaseModel):
    """A typed event: subclass it, name the topic and the key.

    ```python
    class NewLead(Event, topic="new_lead", key="email"):
        email: EmailStr
        company: str | None = None
    ```

    Class keywords:
        topic: the Kafka topic, without prefix. Default: the type.
        type: the event type. Default: the topic, else the class name in snake_case.
        key: the field whose value orders and partitions. Default: the record's own key counts.
        id: the field that identifies the event. Default: the field `id` if there is one. An
            entity's id is no event's id: say `id=None` where `id` names a customer or an order.
        tombstones: what becomes of a record without a value, `"letter"` (default) or `"skip"`.
        partitions: partitions of the topic. Default: the setting `STREAMAGENTS_PARTITIONS`.

    Unknown fields are ignored; a dead letter keeps them, for it is the original.

    Raises:
        ConfigurationError: when the class is defined, if a named field does not exist or the
            topic is no legal Kafka name.
    """

    model_config = ConfigDict(extra="ignore")

    event_type: ClassVar[EventType]

    if TYPE_CHECKING:
        # For type checkers, which look for class keywords here.
        def __init_subclass__(
            cls,
            *,
            topic: str | None = None,
            type: str | None = None,  # noqa: A002 - the field's own word
            key: str | None = None,
            id: str | None = "id",  # noqa: A002 - the field's own word
            tombstones: Tombstones = "letter",
            partitions: int | None = None,
            **kwargs: Any,
        ) -> None: ...
    else:

        def __init_subclass__(cls, **_keywords: Any) -> None:
            """Let the keywords pass: pydantic hands them to the hook below, fields complete."""
            super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        topic: str | None = None,
        type: str | None = None,  # noqa: A002 - the field's own word
        key: str | None = None,
        id: str | None = "id",  # noqa: A002 - the field's own word
        tombstones: Tombstones = "letter",
        partitions: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if taken := _METHODS & cls.model_fields.keys():
            name = min(taken)
            raise ConfigurationError(
                f"{cls.__name__} has a field {name}, which is a method of every Event: name the "
                f"field otherwise and keep the word in the data, with Field(alias={name!r})."
            )
        kind = type or topic or _WORD_START.sub("_", cls.__name__).lower()
        cls.event_type = EventType(
            type=kind,
            topic=legal_topic(cls.__name__, topic or kind),
            key=_field(cls, "key", key),
            id=None if id == "id" and "id" not in cls.model_fields else _field(cls, "id", id),
            tombstones=tombstones,
            partitions=partitions,
        )

    def event_key(self) -> bytes | None:
        """The record key: UTF-8 of `str(value)` of the key field; None without a field or value."""
        name = type(self).event_type.key
        value = None if name is None else getattr(self, name)
        if value.__class__ is not str:  # as nearly all are
            value = _text(value)
        return None if value is None else value.encode()

    def event_id(self) -> str | None:
        """The value of the id field as text; None without a field or value. Empty is no value."""
        name = type(self).event_type.id
        value = None if name is None else getattr(self, name)
        return (value if value.__class__ is str else _text(value)) or None


def _text(value: Any) -> str | None:
    if isinstance(value, Enum):  # `str` would name the member, not what is in the data
        value = value.value
    return None if value is None else str(value)


def _field(cls: type[Event], word: str, name: str | None) -> str | None:
    if name is not None and name not in cls.model_fields:
        raise ConfigurationError(
            f"{cls.__name__} names {word}={name!r}, but has no such field; "
            f"it has {', '.join(cls.model_fields) or 'none'}."
        )
    return name


def legal_topic(owner: str, topic: str) -> str:
    """The topic, if Kafka takes its name.

    Raises:
        ConfigurationError: Kafka does not; `owner` is who wants it.
    """
    if not _TOPIC.fullmatch(topic) or topic in {".", ".."}:
        raise ConfigurationError(
            f"{owner} names topic={topic!r}: a Kafka topic has 1 to 249 letters, digits, "
            "dots, underscores or hyphens."
        )
    return topic
