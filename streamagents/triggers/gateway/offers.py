"""Offers: the events in a request to `/events`, in each of the forms that CloudEvents have."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from streamagents.errors import UndecodableError
from streamagents.triggers.gateway.answers import RefusedError
from streamagents.triggers.gateway.attributes import (
    Attributes,
    from_event,
    from_headers,
    given_id,
)
from streamagents.triggers.gateway.bodies import is_json, media_type
from streamagents.triggers.hooks.received import strict_json

if TYPE_CHECKING:
    from starlette.requests import Request

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
MOST_OF_A_BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One event as a client offers it; or why it cannot be read."""

    type: str = ""
    value: bytes = b""
    attributes: Attributes = Attributes()  # noqa: RUF009 - frozen
    refused: RefusedError | None = None


def json_type(request: Request) -> str:
    """The content type of a request that is JSON.

    Raises:
        RefusedError: 415, it is something else.
    """
    kind = media_type(request)
    if not is_json(kind):
        raise RefusedError(
            415,
            "An event is JSON: send Content-Type: application/json.",
            headers={"accept-post": f"application/json, {STRUCTURED}, {BATCH}"},
        )
    return kind


def read_offers(request: Request, kind: str, body: bytes, type_: str | None) -> list[Offer]:
    """The events of a request; several only of a batch.

    Args:
        request: whose headers may say something of the event.
        kind: its content type.
        body: its body.
        type_: the event's type, if the path names it.

    Raises:
        RefusedError: 400, it is no JSON, or says two things at once.
    """
    data = _json(body)
    if kind == BATCH:
        return _batch(data, type_)
    given = given_id(request)
    if kind == STRUCTURED:
        offer = _structured(data, type_)
    else:
        attributes = from_headers(request)
        offer = Offer(type=_one_type(attributes, type_), value=body, attributes=attributes)
    if offer.attributes.id is None and given is not None:
        offer = replace(offer, attributes=replace(offer.attributes, id=given))
    return [offer]


def _json(body: bytes) -> Any:
    try:
        return strict_json(body)
    except UndecodableError as exc:
        raise RefusedError(400, str(exc)) from exc


def _batch(data: Any, type_: str | None) -> list[Offer]:
    if not isinstance(data, list):
        raise RefusedError(400, "A batch is a JSON array of CloudEvents.")
    if len(data) > MOST_OF_A_BATCH:
        raise RefusedError(413, f"A batch has {MOST_OF_A_BATCH} events at most.")
    offers = []
    for event in data:
        try:
            offers.append(_structured(event, type_))
        except RefusedError as refused:
            offers.append(Offer(refused=refused))
    return offers


def _structured(event: Any, type_: str | None) -> Offer:
    if not isinstance(event, dict):
        raise RefusedError(400, "A CloudEvent is a JSON object.")
    attributes = from_event(event)
    if attributes.type is None or event.get("specversion") is None:
        raise RefusedError(400, "A CloudEvent has a `specversion` and a `type`.")
    if "data_base64" in event:
        value = _from_base64(event["data_base64"])
        _json(value)
    else:
        value = to_json(event.get("data"))
    return Offer(type=_one_type(attributes, type_), value=value, attributes=attributes)


def _from_base64(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise RefusedError(400, "The event's data_base64 is no base64.") from None


def _one_type(attributes: Attributes, type_: str | None) -> str:
    """The path's type, or the event's own; both have to agree."""
    own = attributes.type
    if type_ is None:
        if own is None:
            raise RefusedError(
                400, "The event has no type: post to /events/{type}, or say ce-type."
            )
        return own
    if own is not None and own != type_:
        raise RefusedError(400, "The path names another type than the event itself.")
    return type_
