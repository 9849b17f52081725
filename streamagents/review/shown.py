"""Shown: letters as a person may see them. Fields are redacted, bytes and control characters safe.

`streamagents dlq export` does not come by here: it is exact.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from streamagents.pipeline.redaction import Redaction
    from streamagents.review.letter import Letter

_MOST_CHARACTERS = 4096
_HEX_BYTES = 256
_ROW = 16
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))


def as_dict(letter: Letter, redaction: Redaction, id_: str) -> dict[str, Any]:
    """A letter for `--json`, whole."""
    fault, state = letter.fault, letter.state
    return {
        "letter": str(letter.at),
        "topic": fault.topic,
        "origin": None if letter.origin is None else str(letter.origin),
        "id": id_,
        "key": None if letter.key is None else letter.key.decode(errors="backslashreplace"),
        "written_at": letter.written_at.isoformat(),
        "state": "open" if state is None else state.stage.value,
        "state_by": None if state is None else state.by,
        "state_at": None if state is None else state.at,
        "written_by": fault.convention,
        "agent": fault.agent,
        "group": fault.group,
        "attempts": fault.attempts,
        "replays": fault.replays,
        "first_failed_at": fault.first_failed_at,
        "error": {
            "code": fault.code,
            "exception": fault.exception,
            "cause": fault.cause,
            "message": redaction.text(fault.message),
            "stack": redaction.text(fault.stack),
        },
        "headers": _headers(letter, redaction),
        "size": len(letter.value or b""),
        **_payload(letter.value, redaction),
    }


def in_words(letter: Letter, redaction: Redaction, id_: str, now: datetime) -> str:
    """A letter for a person, its payload cut."""
    fault, state = letter.fault, letter.state
    key = None if letter.key is None else letter.key.decode(errors="backslashreplace")
    facts = {
        "letter": f"{letter.at}, written {age(letter.written_at, now)} ago"
        f" ({letter.written_at:%Y-%m-%d %H:%M:%S}Z)",
        "state": "open" if state is None else f"{state.stage.value}, {state.at}, by {state.by}",
        "event": f"{id_}  key {key!r}" if key is not None else id_,
        "from": f"{letter.origin or fault.topic or 'nobody knows where'}",
        "agent": f"{fault.agent or 'unknown'}  group {fault.group or 'unknown'}",
        "error": f"{fault.code or 'unknown'}  {fault.cause or fault.exception}".rstrip(),
        "message": redaction.text(fault.message),
        "attempts": f"{'unknown' if fault.attempts is None else fault.attempts}, replayed"
        f" {fault.replays} times",
        "first failed": fault.first_failed_at,
    }
    lines = [f"{name:>12}  {safe(value)}" for name, value in facts.items() if value]
    lines += ["", "headers"]
    lines += [f"  {safe(name)}: {safe(value)}" for name, value in _headers(letter, redaction)]
    if fault.stack:
        lines += ["", "trace", *_indented(redaction.text(fault.stack))]
    return "\n".join([*lines, "", *_payload_lines(letter.value, redaction)])


def age(since: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that fits."""
    seconds = max(0, int((now - since).total_seconds()))
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def safe(text: str, *, lines: bool = False) -> str:
    """Text that does nothing to a terminal: control characters are written out."""
    return "".join(
        char if char.isprintable() or (lines and char in "\n\t") else _escaped(char)
        for char in text
    )


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def _headers(letter: Letter, redaction: Redaction) -> list[tuple[str, str]]:
    """The original's headers; of what made a letter of it the rest of the page tells."""
    return [
        (name, "***" if redaction.hides(name) else (value or b"").decode(errors="backslashreplace"))
        for name, value in letter.own_headers
    ]


def _payload(value: bytes | None, redaction: Redaction) -> dict[str, Any]:
    if value is None:
        return {"data": None, "encoding": "none"}
    parsed = _parsed(value)
    if parsed is not _NOTHING:
        return {"data": redaction.data(parsed), "encoding": "json"}
    try:
        return {"data": redaction.text(value.decode()), "encoding": "text"}
    except UnicodeDecodeError:
        return {"data": base64.b64encode(value).decode(), "encoding": "base64"}


def _payload_lines(value: bytes | None, redaction: Redaction) -> list[str]:
    if value is None:
        return ["payload: none, a tombstone"]
    head = f"payload, {len(value):,} bytes"
    parsed = _parsed(value)
    if parsed is not _NOTHING:
        text = json.dumps(redaction.data(parsed), indent=2, ensure_ascii=False)
    else:
        try:
            text = redaction.text(value.decode())
            head += ", no JSON"
        except UnicodeDecodeError:
            return [f"{head}, no text", *_hex(value[:_HEX_BYTES]), *_rest(value)]
    if len(text) > _MOST_CHARACTERS:
        head += f", its first {_MOST_CHARACTERS:,} characters (`export` has all of it)"
    return [head, *_indented(text[:_MOST_CHARACTERS])]


def _rest(value: bytes) -> list[str]:
    more = len(value) - _HEX_BYTES
    return [f"  and {more:,} bytes more (`export` has all of it)"] if more > 0 else []


def _hex(value: bytes) -> list[str]:
    return [
        f"  {at:06x}  {row.hex(' '):<47}  "
        + "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)  # noqa: PLR2004 - ASCII
        for at in range(0, len(value), _ROW)
        for row in [value[at : at + _ROW]]
    ]


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in safe(text, lines=True).splitlines()]


_NOTHING = object()
"""What is no JSON: null is some."""


def _parsed(value: bytes) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return _NOTHING
