"""Announcing: each worker tells its group where its pages are. `streamagents status` asks there.

Faust sends its URL along whenever a worker joins; the group's coordinator shows it to everybody.
"""

from __future__ import annotations

import json
import os
import socket
import warnings
from dataclasses import dataclass
from typing import Any

from faust.exceptions import AlreadyConfiguredWarning
from yarl import URL

_WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Announced:
    """What a worker told."""

    worker: str
    """Which process it is; its page `/health` says the same."""
    host: str
    """Where it listens, as it was told: perhaps at all addresses of its machine."""
    port: int
    """0: it has no pages."""


def this_process() -> str:
    """The name of this process, for people and for who asks whether it is the right one."""
    return f"{socket.gethostname()}:{os.getpid()}"


def announce(conf: Any, host: str, port: int) -> None:
    """Tell the group, from the next time that this worker joins it.

    Args:
        conf: the Faust app's.
        host: where its pages listen.
        port: 0 for none.
    """
    url = URL.build(scheme="http", host=host, port=port, query={_WORKER: this_process()})
    with warnings.catch_warnings():
        # Faust warns of a late change; no consumer has been made yet.
        warnings.simplefilter("ignore", AlreadyConfiguredWarning)
        conf.canonical_url = url


def announced(data: bytes) -> Announced | None:
    """What a member of the group told; None where it is no worker of ours."""
    try:
        url = URL(json.loads(data)["url"])
        return Announced(url.query[_WORKER], url.host or "", url.port or 0)
    except (ValueError, TypeError, KeyError):
        return None
