"""Asking: the page `/health` of another process, which may be anywhere, frozen, or gone."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
from collections.abc import Mapping  # noqa: TC003 - dataclasses are read back in tests
from dataclasses import dataclass, field
from typing import Any, Literal

ANSWER_S = 2.0
"""From the first packet to the last: a worker under full load answers within 0.1 s."""
_LONGEST = 4 << 20
"""Bytes of an answer."""

Kind = Literal["answered", "silent", "gone", "out_of_reach"]
"""It said something; its kernel takes connections, and nobody answers; nobody listens there; there
is no way to it, or somebody else answers."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking."""

    kind: Kind
    said: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""


async def ask_health(host: str, port: int, timeout_s: float = ANSWER_S) -> Answer:
    """Ask once; never longer than `timeout_s`."""
    writer = None
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port, limit=_LONGEST)
            writer.write(b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return _read(await _all_of(reader))
    except TimeoutError:
        # On this machine that is the queue of one that is frozen, and full by now.
        if writer is None and not is_here(host):
            return Answer("out_of_reach", why=f"{host}:{port} takes no connection")
        return Answer(
            "silent", why=f"it takes connections and has said nothing for {timeout_s:g} s"
        )
    except ConnectionRefusedError:
        return Answer("gone", why=f"nobody listens at {host}:{port}")
    except (OSError, UnicodeError) as exc:
        why = getattr(exc, "strerror", None) or type(exc).__name__
        return Answer("out_of_reach", why=f"{host}:{port} cannot be reached: {why}")
    finally:
        if writer is not None:
            writer.transport.abort()


async def _all_of(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readexactly(_LONGEST)
    except asyncio.IncompleteReadError as exc:  # it has closed, as it should
        return exc.partial


def _read(raw: bytes) -> Answer:
    head, _, body = raw.partition(b"\r\n\r\n")
    try:
        said = json.loads(body) if head.startswith(b"HTTP/1.") else None
    except ValueError:
        said = None
    if not isinstance(said, dict) or "status" not in said:
        return Answer("out_of_reach", why="what answers there is no process of ours")
    return Answer("answered", said)


def is_here(host: str) -> bool:
    """Whether an address is one of this machine."""
    try:
        address = ipaddress.ip_address(host)
        family = socket.AF_INET6 if address.version == 6 else socket.AF_INET  # noqa: PLR2004
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except (OSError, ValueError):
        return False
    return True


def reached_by(bound: str, seen_at: str) -> str:
    """Where to ask a process, from this machine; empty if there is no way.

    Args:
        bound: the address that it listens at.
        seen_at: the address that the broker sees it at.
    """
    try:
        address = ipaddress.ip_address(bound)
    except ValueError:
        return bound if bound != "localhost" or is_here(seen_at) else ""
    if address.is_unspecified:
        return seen_at
    return "" if address.is_loopback and not is_here(seen_at) else bound
