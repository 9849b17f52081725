"""CloudEvents attributes: what a client says of its event in headers, and what of it is kept.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_to_bytes

from streamagents.triggers.gateway.answers import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

MAX_ID_BYTES = 256
MAX_KEY_BYTES = 2048
_MAX_VALUE_BYTES = 1024
_MOST = 20
_NAME = re.compile(r"[a-z0-9]{1,40}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_QUOTED, _ESCAPED = re.compile(r'"((?:[^"\\]|\\.)*)"'), re.compile(r"\\(.)")
_OURS = frozenset({"specversion", "id", "source", "type", "time", "datacontenttype"})
"""Written anew; every other attribute goes into the record as it is."""
_NO_ATTRIBUTES = frozenset({"data", "data_base64"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """What a client says of one event."""

    id: str | None = None
    type: str | None = None
    source: str | None = None
    time: datetime | None = None
    more: tuple[tuple[str, str], ...] = ()
    """Extensions, `subject`, `dataschema`."""


def from_headers(request: Request) -> Attributes:
    """Of a binary CloudEvent: the headers `ce-*`, each at most once.

    Raises:
        RefusedError: 400, one of them cannot be read.
    """
    found: dict[str, Any] = {}
    for name, value in request.headers.items():
        if name.startswith("ce-"):
            if name[3:] in found:
                raise _bad(name[3:], "is there twice")
            found[name[3:]] = _unescaped(name[3:], value)
    return attributes(found)


def from_event(event: Mapping[str, Any]) -> Attributes:
    """Of a structured CloudEvent: all of its members but the data.

    Raises:
        RefusedError: 400, one of them cannot be read.
    """
    return attributes({k: v for k, v in event.items() if k not in _NO_ATTRIBUTES and v is not None})


def attributes(found: Mapping[str, Any]) -> Attributes:
    """Check attributes, wherever they stood.

    Raises:
        RefusedError: 400, one of them is not what CloudEvents say, or too long.
    """
    if len(found) > _MOST:
        raise RefusedError(400, f"The event has more than {_MOST} CloudEvents attributes.")
    texts = {name: _text(name, value) for name, value in found.items()}
    if texts.get("specversion", "1.0") != "1.0":
        raise _bad("specversion", "is not 1.0, the version that is read here")
    return Attributes(
        id=good_id(texts["id"]) if "id" in texts else None,
        type=texts.get("type") or None,
        source=texts.get("source") or None,
        time=_time(texts["time"]) if "time" in texts else None,
        more=tuple((name, text) for name, text in texts.items() if name not in _OURS),
    )


def given_id(request: Request) -> str | None:
    """The id that a request names beside CloudEvents: `Idempotency-Key`, or `?id=`.

    Raises:
        RefusedError: 400, it is there twice, or is no id.
    """
    keys, queried = request.headers.getlist("idempotency-key"), _queried(request)
    if len(keys) > 1 or len(queried) > 1:
        raise RefusedError(400, "The request names several ids.")
    if keys:  # a structured field: the quotes are not part of it
        return good_id(keys[0].strip().removeprefix('"').removesuffix('"'))
    return good_id(queried[0]) if queried else None


def _queried(request: Request) -> list[str]:
    """Each `id` of the query. Half a character is none: it would be the same in many ids."""
    query: bytes = request.scope["query_string"]
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise RefusedError(400, "The request's query is no UTF-8.") from None
    return [value for name, value in pairs if name == "id"]


def good_id(text: str) -> str:
    """The id, if it can be one.

    Raises:
        RefusedError: 400.
    """
    if not text or len(text.encode(errors="replace")) > MAX_ID_BYTES or not is_clean(text):
        raise RefusedError(
            400, f"An event's id has 1 to {MAX_ID_BYTES} bytes, and no control characters."
        )
    return text


def is_clean(text: str) -> bool:
    """Whether a text is UTF-8 without control characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return _CONTROL.search(text) is None


def _unescaped(name: str, value: str) -> str:
    """As the binding says: quotes first, then percents."""
    if quoted := _QUOTED.fullmatch(value):
        value = _ESCAPED.sub(r"\1", quoted[1])
    try:
        return unquote_to_bytes(value.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise _bad(name, "is no UTF-8") from None


def _text(name: str, value: Any) -> str:
    if not _NAME.fullmatch(name):
        raise RefusedError(400, "A CloudEvents attribute's name has small letters and digits only.")
    if isinstance(value, bool):
        value = str(value).lower()
    if not isinstance(value, (str, int)):
        raise _bad(name, "is no text")
    text = str(value)
    if len(text.encode(errors="replace")) > _MAX_VALUE_BYTES:
        raise _bad(name, f"has more than {_MAX_VALUE_BYTES:,} bytes")
    if not is_clean(text):
        raise _bad(name, "has control characters")
    return text


def _time(text: str) -> datetime:
    try:
        if not _TIME.fullmatch(text):
            raise ValueError  # noqa: TRY301 - one sentence for all of it
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _bad("time", "is no time of RFC 3339") from None


def _bad(name: str, words: str) -> RefusedError:
    shown = name if _NAME.fullmatch(name) else "..."
    return RefusedError(400, f"The CloudEvents attribute {shown} {words}.")
