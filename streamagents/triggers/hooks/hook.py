"""`Hook`: how an application makes events of what a foreign sender posts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from streamagents.errors import ConfigurationError
from streamagents.events import Event
from streamagents.pipeline.mapping import FieldMap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamagents.triggers.hooks.deliveries import Delivery

ANY = "*"
_SOURCE = re.compile(r"[a-z0-9-]{1,40}")

Made = Event | Sequence[Event] | None
MakeEvents = Callable[[Any], Made]
"""From a payload to its event, several, or None: nothing that anybody needs to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An event that is to be sent: its type and its data as JSON."""

    type: str
    value: bytes


class To:
    """One event of every delivery: `To(PaymentFailed, fields={"customer_id": "data.object.customer"})`.

    Args:
        event: the event's model; or its type, where it has none.
        fields: JMESPath by field, see `FieldMap`; None takes the payload as it is.

    Raises:
        ConfigurationError: an expression is none, or the model has no such field.
    """  # noqa: E501 - one example, one line

    def __init__(self, event: type[Event] | str, fields: Mapping[str, str] | None = None) -> None:
        self.event = event
        self._fields = None if fields is None else FieldMap(fields)
        if isinstance(event, type) and fields is not None:
            _all_exist(event, fields)

    @property
    def type(self) -> str:
        """The event's type."""
        return self.event if isinstance(self.event, str) else self.event.event_type.type

    def drafts(self, delivery: Delivery) -> list[Draft]:
        """The event.

        Raises:
            InvalidEventError: an expression cannot work on this payload.
        """
        if self._fields is None:
            return [Draft(type=self.type, value=delivery.value)]
        return [Draft(type=self.type, value=to_json(self._fields(delivery.payload)))]


class Hook:
    """Webhooks of one source, by the sender's word for what happened; `*` is all the others.

    ```python
    Hook("stripe", {"invoice.payment_failed": To(PaymentFailed, fields={...}), "*": read_it})
    ```

    A function gets the payload and returns an event, a list of events, or None for nothing. It is
    called in the gateway's event loop: it must not wait. What is not mapped goes to the inbox as
    `<source>.<the sender's word>`; so does a delivery whose mapping fails.

    Args:
        source: as in `POST /hooks/{source}`; its preset and secret are settings.
        events: by the sender's word a `To`, or a function.
        emits: the models that the functions return.

    Raises:
        ConfigurationError: the source's name is none.
    """

    def __init__(
        self,
        source: str,
        events: Mapping[str, To | MakeEvents],
        *,
        emits: Iterable[type[Event]] = (),
    ) -> None:
        if not _SOURCE.fullmatch(source):
            raise ConfigurationError(
                f"Hook({source!r}): a source has 1 to 40 small letters, digits and hyphens."
            )
        self.name = source
        self._events = dict(events)
        models = [
            to.event for to in events.values() if isinstance(to, To) and isinstance(to.event, type)
        ]
        self.emits: Sequence[type[Event]] = tuple(dict.fromkeys([*models, *emits]))

    def drafts(self, delivery: Delivery) -> list[Draft] | None:
        """The events of a delivery; None if nobody maps it.

        Raises:
            Exception: whatever a function of the application raises.
        """
        to = self._events.get(delivery.kind) or self._events.get(ANY)
        if to is None:
            return None
        if isinstance(to, To):
            return to.drafts(delivery)
        made = to(delivery.payload)
        return [_draft(event) for event in _listed(made)]


def _listed(made: Any) -> Sequence[Any]:
    if made is None:
        return ()
    return made if isinstance(made, (list, tuple)) else (made,)


def _draft(event: Any) -> Draft:
    if not isinstance(event, Event):
        raise TypeError(f"A hook's function returned {type(event).__name__}, which is no Event.")
    return Draft(
        type=type(event).event_type.type,
        value=event.__pydantic_serializer__.to_json(event, by_alias=True),
    )


def _all_exist(event: type[Event], fields: Mapping[str, str]) -> None:
    known = {
        *event.model_fields,
        *(field.alias for field in event.model_fields.values() if field.alias),
    }
    if unknown := sorted(set(fields) - known):
        raise ConfigurationError(
            f"A hook maps the field {unknown[0]!r} of {event.__name__}, which has none; it has "
            f"{', '.join(event.model_fields)}."
        )
