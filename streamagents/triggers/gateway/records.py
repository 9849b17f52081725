"""Records: from an event that was offered to the record that is written, with our source."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from streamagents.errors import InvalidEventError, UndecodableError
from streamagents.events import encode, passed_on
from streamagents.pipeline.addressing import address, known
from streamagents.ports import Outgoing
from streamagents.topics import OUR_TOPICS
from streamagents.triggers.gateway.answers import RefusedError
from streamagents.triggers.gateway.attributes import MAX_KEY_BYTES, good_id

if TYPE_CHECKING:
    from datetime import datetime

    from streamagents.agents import Registry
    from streamagents.topics import Layout
    from streamagents.triggers.gateway.keeper import Identity
    from streamagents.triggers.gateway.offers import Offer

_MOST_FAULTS = 100
_KEY = "partitionkey"
"""What CloudEvents call a record's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A record that is ready to be written."""

    id: str
    type: str
    record: Outgoing
    identity: Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where records are made out: what the application knows, and where its topics are."""

    registry: Registry
    layout: Layout

    def of_offer(self, offer: Offer, who: str, now: datetime, parent: bytes | None) -> Parcel:
        """The record of an event that a client offers.

        Args:
            offer: the event.
            who: the name of the client's token.
            now: the time, for an event that does not say its own.
            parent: the client's `traceparent`.

        Raises:
            RefusedError: 404 unknown type, 422 not what its model asks for, 400 otherwise.
        """
        if offer.refused is not None:
            raise offer.refused
        event, _ = known(self.registry, offer.type)
        if event is None or event.topic.startswith(OUR_TOPICS):  # ticks are nobody's to send
            raise RefusedError(404, "No agent and no model has this event type.")
        said = offer.attributes
        # A claim is kept apart, for ids are unique to their source only; and it stands behind
        # ours, so that nobody can speak for somebody else.
        source = f"gateway/{who}" + (f"/{said.source}" if said.source else "")
        return self.make_out(
            offer.type,
            offer.value,
            id_=said.id,
            source=source,
            time=said.time or now,
            parent=parent,
            more=said.more,
        )

    def make_out(
        self,
        type_: str,
        value: bytes,
        *,
        id_: str | None,
        source: str,
        time: datetime,
        parent: bytes | None = None,
        more: tuple[tuple[str, str], ...] = (),
    ) -> Parcel:
        """The record of an event.

        Raises:
            RefusedError: 422 the data are not what the model asks for, 400 no usable id or key.
        """
        try:
            head = address(
                self.registry,
                self.layout,
                type_=type_,
                value=value,
                id_=id_,
                key=dict(more).get(_KEY),  # for a model that names no key field
            )
        except UndecodableError as exc:
            raise RefusedError(400, str(exc)) from exc
        except InvalidEventError as exc:
            raise _invalid(type_, exc) from exc
        return parcel(
            type_,
            value,
            id_=good_id(head.id),
            source=source,
            time=time,
            topic=head.topic,
            key=head.key,
            parent=parent,
            more=more,
        )

    def raw(
        self,
        type_: str,
        value: bytes,
        *,
        id_: str,
        source: str,
        time: datetime,
        parent: bytes | None,
    ) -> Parcel:
        """A record for the inbox, whatever is in it: the dispatcher finds its way."""
        return parcel(
            type_,
            value,
            id_=id_,
            source=source,
            time=time,
            topic=self.layout.inbox().name,
            key=id_.encode(),
            parent=parent,
        )


def parcel(
    type_: str,
    value: bytes,
    *,
    id_: str,
    source: str,
    time: datetime,
    topic: str,
    key: bytes,
    parent: bytes | None,
    more: tuple[tuple[str, str], ...] = (),
) -> Parcel:
    """Write an event down.

    Raises:
        RefusedError: 400, its key is too long.
    """
    if len(key) > MAX_KEY_BYTES:
        raise RefusedError(400, f"The event's key has more than {MAX_KEY_BYTES:,} bytes.")
    data, headers = encode(
        value, id=id_, source=source, type=type_, time=time, traceparent=passed_on(parent)
    )
    extra = tuple((f"ce_{name}", text.encode()) for name, text in more)
    return Parcel(
        id=id_,
        type=type_,
        record=Outgoing(topic=topic, key=key, value=data, headers=(*headers, *extra)),
        identity=(topic, key, source, id_, sha256(value).digest()),
    )


def _invalid(type_: str, exc: InvalidEventError) -> RefusedError:
    cause = exc.__cause__
    errors: list[dict[str, Any]] = [
        {"loc": [], "msg": "Input should be a JSON object", "type": "dict_type"}
    ]
    if isinstance(cause, ValidationError):
        errors = [
            {"loc": list(fault["loc"]), "msg": fault["msg"], "type": fault["type"]}
            for fault in cause.errors(
                include_url=False, include_input=False, include_context=False
            )[:_MOST_FAULTS]
        ]
    return RefusedError(422, f"The data is no {type_}.", more={"errors": errors})
