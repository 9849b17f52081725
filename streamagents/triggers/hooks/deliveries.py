"""Deliveries: what a signed request says happened, under which id, and what it contains."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from streamagents.errors import InvalidEventError, UndecodableError
from streamagents.pipeline.mapping import FieldMap
from streamagents.triggers.hooks.received import strict_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamagents.triggers.hooks.config import HookConfig
    from streamagents.triggers.hooks.received import Received

_ID = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,200}")
_NOT_IN_A_KIND = re.compile(r"[^A-Za-z0-9._/-]")
_MAX_KIND = 100
NO_KIND = "delivery"
"""What happened, where the sender does not say."""
_MAX_CHALLENGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One thing that a sender tells us."""

    id: str
    """The same whenever the sender tries it again."""
    kind: str
    """What happened, in the sender's words: `invoice.payment_failed`, `push`, `app_mention`."""
    payload: Any
    """As Python values."""
    value: bytes
    """The payload as JSON."""
    silent: bool = False
    """The sender shows our answer to a person: it is to be empty."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """The sender asks whether we are who it thinks; this is the answer."""

    answer: str


def read(config: HookConfig, received: Received) -> Delivery | Challenge:
    """Read a delivery whose signature was right.

    Raises:
        UndecodableError: its body is neither JSON nor a form that the preset knows.
    """
    payload, value = _payload(config, received)
    if config.preset == "slack" and not received.is_form and _is_challenge(payload):
        return Challenge(str(payload.get("challenge", ""))[:_MAX_CHALLENGE])
    kind = _KINDS.get(config.preset, _kind_of_any)(config, received, payload)
    return Delivery(
        id=_id(config, received, payload),
        kind=_clean(kind),
        payload=payload,
        value=value,
        silent=config.preset == "slack" and received.is_form,
    )


def _payload(config: HookConfig, received: Received) -> tuple[Any, bytes]:
    """The payload, and its JSON: the sender's own bytes if they are that."""
    if not received.is_form:
        return strict_json(received.body), received.body
    fields = received.fields()
    if config.preset in {"github", "slack"} and "payload" in fields:
        text = fields["payload"].encode()
        return strict_json(text), text
    if config.preset == "github":
        raise UndecodableError("The form has no field `payload`.")
    return fields, to_json(fields)


def _is_challenge(payload: Any) -> bool:
    return isinstance(payload, dict) and payload.get("type") == "url_verification"


def _kind_of_github(_config: HookConfig, received: Received, _payload: Any) -> Any:
    return received.one("x-github-event")


def _kind_of_slack(_config: HookConfig, _received: Received, payload: Any) -> Any:
    """Of an event its own type; a slash command has none."""
    event = _at(payload, "event")
    if _at(payload, "type") == "event_callback" and isinstance(event, dict):
        return event.get("type")
    return _at(payload, "type") or ("slash_command" if _at(payload, "command") else None)


def _kind_of_typeform(_config: HookConfig, _received: Received, payload: Any) -> Any:
    return _at(payload, "event_type")


def _kind_of_any(config: HookConfig, received: Received, payload: Any) -> Any:
    if config.event_header is not None:
        return received.one(config.event_header)
    return _looked_up(config.event_field, payload) if config.event_field else _at(payload, "type")


_KINDS: dict[str, Callable[[HookConfig, Received, Any], Any]] = {
    "github": _kind_of_github,
    "slack": _kind_of_slack,
    "typeform": _kind_of_typeform,
}


def _id(config: HookConfig, received: Received, payload: Any) -> str:
    """The sender's id of the delivery; without a usable one a digest of what was sent."""
    for found in (
        received.one(config.id_header) if config.id_header else None,
        _looked_up(config.id_field, payload) if config.id_field else None,
        _known_id(config, received, payload),
    ):
        named = isinstance(found, (str, int)) and not isinstance(found, bool)
        text = str(found) if named else ""
        if _ID.fullmatch(text):
            return text
    return "sha256-" + hashlib.sha256(received.body).hexdigest()


def _known_id(config: HookConfig, received: Received, payload: Any) -> Any:
    match config.preset:
        case "standard":
            return received.one("webhook-id")
        case "github":
            return received.one("x-github-delivery")
        case "stripe":
            return _at(payload, "id")
        case "slack":  # slash commands and buttons have a trigger, and are not tried again
            return _at(payload, "event_id") or _at(payload, "trigger_id")
        case "typeform":
            return _at(payload, "event_id")
        case _:  # an `id` of a payload we do not know may be that of a customer
            return None


def _at(payload: Any, name: str) -> Any:
    return payload.get(name) if isinstance(payload, dict) else None


def _looked_up(path: str, payload: Any) -> Any:
    try:
        return FieldMap({"it": path})(payload).get("it")
    except InvalidEventError:
        return None


def _clean(kind: Any) -> str:
    """What may stand in an event's type."""
    text = kind if isinstance(kind, str) else ""
    return _NOT_IN_A_KIND.sub("_", text[:_MAX_KIND]) or NO_KIND
