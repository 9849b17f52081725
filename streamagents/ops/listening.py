"""Listening: a socket at an address, or one sentence that says why there is none."""

from __future__ import annotations

import errno
import os
import socket

from streamagents.errors import ConfigurationError

_QUEUE = 512
"""Connections that the kernel keeps for us while we are busy."""
_ASKS_WITHIN_S = 5
"""The kernel shows us a connection when something was said on it, and forgets one that says nothing
for so long. A thread beside a busy event loop waits for its turn once then, not twice."""


def listen_at(host: str, port: int, setting: str) -> socket.socket:
    """Listen there from here on.

    Args:
        host: an address of this machine.
        port: 0 is any that is free.
        setting: what names the port, for the error's sentence.

    Raises:
        ConfigurationError: the address cannot be listened at.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=_QUEUE)
    except (OSError, UnicodeError) as exc:
        known = None
        if isinstance(exc, OSError) and not isinstance(exc, socket.gaierror):
            known = exc.errno
        words = os.strerror(known) if known else "it cannot be found"
        raise ConfigurationError(
            f"{host}:{port} cannot be listened at ({words}): {_advice(known, setting)}."
        ) from exc
    if hasattr(socket, "TCP_DEFER_ACCEPT"):  # Linux
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, _ASKS_WITHIN_S)
    return listening


def _advice(known: int | None, setting: str) -> str:
    if known == errno.EADDRINUSE:
        return (
            f"end what uses it, perhaps another process of ours, or set {setting} to another port; "
            "0 takes any that is free"
        )
    if known == errno.EACCES:
        return f"only root may take a port this low, so set {setting} to one above 1023"
    return "set STREAMAGENTS_BIND to an address that this machine has, such as 127.0.0.1 or 0.0.0.0"
