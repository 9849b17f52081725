"""Exported letters: JSON lines that hold every byte, and that `replay --file` takes back."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from streamagents.errors import InvalidEventError
from streamagents.pipeline.identity import read_position
from streamagents.review.headers import read_fault
from streamagents.review.letter import Letter

if TYPE_CHECKING:
    from streamagents.events import Headers

VERSION = 1


def to_line(letter: Letter, cluster: str = "") -> str:
    """A letter as one line, without its end; `cluster` is the id of where it lies."""
    return json.dumps(
        {
            "version": VERSION,
            "cluster": cluster,
            "letter": str(letter.at),
            "timestamp": letter.written_ms,
            "key": _packed(letter.key),
            "value": _packed(letter.value),
            "headers": [[_name(name), _packed(value)] for name, value in letter.headers],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def from_line(line: bytes, where: str, cluster: str = "") -> Letter:
    """A letter out of its line.

    Args:
        line: the line.
        where: how to name it, as `line 3 of letters.jsonl`.
        cluster: the id of the cluster that it has to come from, where that is known.

    Raises:
        InvalidEventError: it is no exported letter, or one of another cluster.
    """
    try:
        said: Any = from_json(line)
        if said["version"] != VERSION:
            raise InvalidEventError(
                f"{where} is of version {said['version']!r}, this version knows {VERSION}: read "
                "it with the version that wrote it."
            )
        known = said.get("cluster", "")
        at = read_position(str(said["letter"]).encode())
        headers: Headers = tuple((_raw_name(name), _unpacked(raw)) for name, raw in said["headers"])
        key, value = _unpacked(said["key"]), _unpacked(said["value"])
        written = int(said["timestamp"])
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        OverflowError,
        binascii.Error,
    ) as exc:
        raise InvalidEventError(
            f"{where} is no letter that `streamagents dlq export` has written."
        ) from exc
    if known and cluster and known != cluster:
        # Its position is that of another letter here, which would be closed in its stead.
        raise InvalidEventError(
            f"{where} is a letter of another cluster, {known!r}: replay it there, or send its "
            "event anew."
        )
    if at is None:
        raise InvalidEventError(f"{where} does not say where its letter lies.")
    return Letter(
        at=at,
        written_ms=written,
        key=key,
        value=value,
        headers=headers,
        fault=read_fault(headers),
    )


def _packed(raw: bytes | None) -> str | dict[str, str] | None:
    """Text as text, anything else as base64."""
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}


def _unpacked(packed: Any) -> Any:
    if packed is None:
        return None
    if isinstance(packed, str):
        return packed.encode()
    return base64.b64decode(packed["base64"], validate=True)


def _name(name: str) -> str | dict[str, str]:
    """A header's name, which may be no UTF-8."""
    packed = _packed(name.encode("utf-8", "surrogateescape"))
    return name if packed is None else packed


def _raw_name(packed: Any) -> str:
    return str(_unpacked(packed).decode("utf-8", "surrogateescape"))
