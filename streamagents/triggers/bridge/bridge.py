"""`Bridge`: a queue whose messages become events, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from streamagents.errors import ConfigurationError
from streamagents.pipeline.mapping import FieldMap
from streamagents.triggers.bridge.queues import KafkaQueue, RedisQueue, SqsQueue
from streamagents.triggers.inbound import Fields, mapper, type_of

if TYPE_CHECKING:
    from streamagents.events import Event
    from streamagents.ports import Queue

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


@dataclass(frozen=True)
class Bridge:
    """Makes events of the messages of a queue: `streamagents bridge` runs it.

    ```python
    Bridge("legacy-orders", KafkaQueue(topic="orders.v1"), to=Order, id="order.no",
           fields={"customer": "order.mail", "amount": "order.total"})
    ```

    Raises:
        ConfigurationError: when built with a value that cannot work.
    """

    name: str
    """1 to 40 letters, digits, underscores or hyphens; events come from `bridge/<name>`."""
    queue: KafkaQueue | RedisQueue | SqsQueue | Queue
    """Where the messages are; an object with the methods of the port `Queue` will do, too."""
    to: type[Event] | str
    """The events' model, or the name of their type."""
    fields: Fields | None = None
    """JMESPath by field, or a function, over a message's JSON. Default: that is the data."""
    id: str | None = None
    """JMESPath of the event's id in a message's JSON. Where there is none, the model's id field
    counts, else the message's place in its queue, and its time."""
    _id: FieldMap | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"Bridge({self.name!r}): a name has 1 to 40 letters, digits, underscores or "
                "hyphens."
            )
        mapper(self.fields)
        if self.id is not None:
            object.__setattr__(self, "_id", FieldMap({"id": self.id}))

    @property
    def emits(self) -> tuple[type[Event], ...]:
        """The models of the events that it makes."""
        return () if isinstance(self.to, str) else (self.to,)

    @property
    def type(self) -> str:
        """The type of the events that it makes."""
        return type_of(self.to)

    @property
    def unmapped_type(self) -> str:
        """The type of events that tell of messages which are no such event."""
        return f"{self.name}.unmapped"

    @property
    def source(self) -> str:
        """`ce_source` of the events that it makes."""
        return f"bridge/{self.name}"

    def id_of(self, payload: Any) -> Any:
        """The id that a message itself names, if any.

        Raises:
            InvalidEventError: the expression cannot work on this payload.
        """
        return None if self._id is None else self._id(payload).get("id")


class BridgeSetting(BaseModel):
    """A bridge as `STREAMAGENTS_BRIDGES` names it, by its name."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    kafka: KafkaQueue | None = None
    redis: RedisQueue | None = None
    sqs: SqsQueue | None = None
    type: Annotated[str, Field(min_length=1)]
    fields_: Annotated[dict[str, str] | None, Field(alias="fields")] = None
    id: str | None = None

    @model_validator(mode="after")
    def _one_queue(self) -> BridgeSetting:
        if sum(queue is not None for queue in (self.kafka, self.redis, self.sqs)) != 1:
            raise ValueError("name one queue: kafka, redis or sqs")
        return self

    def bridge(self, name: str) -> Bridge:
        """The bridge.

        Raises:
            ConfigurationError: it cannot work.
        """
        queue = self.kafka or self.redis or self.sqs
        assert queue is not None  # noqa: S101 - validated above
        return Bridge(name, queue, to=self.type, fields=self.fields_, id=self.id)
