#!/usr/bin/env python3
"""Ask whether a process of ours on this machine is alive, for those who restart it.

usage: alive.py broker|worker|gateway|watch|bridge [--tries N] [--every SECONDS]

Exit code 0: it answers. 1: it does not, and one sentence says what happened. 2: wrong usage.
Nothing of ours is imported and nothing needs to be installed: a health check that runs every
minute should cost little, and work where the application does not.
"""

from __future__ import annotations

import argparse
import http.client
import os
import socket
import struct
import sys
import time

ANSWER_S = 5.0
"""One answer's time. A busy worker answers within 0.1 s."""

_API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)
"""The request that every Kafka answers to everybody: size, api, version, correlation, client."""


def main() -> int:
    """Ask as often as told to; the exit code."""
    arguments = _parser().parse_args()
    for left in reversed(range(arguments.tries)):
        fault = ask(arguments.what)
        if fault is None:
            return 0
        if left:
            time.sleep(arguments.every)
    sys.stderr.write(f"The {arguments.what} is not alive: {fault}.\n")
    return 1


def ask(what: str) -> str | None:
    """What is wrong with it; None if it is alive."""
    try:
        if what == "broker":
            return _ask_kafka(_port("STREAMAGENTS_KAFKA_PORT", 9092))
        return _ask_live(_port(*_PORTS[what]))
    except TimeoutError:
        return f"no answer within {ANSWER_S:g} s"
    except (OSError, http.client.HTTPException) as exc:
        return getattr(exc, "strerror", None) or f"no HTTP answer ({type(exc).__name__})"


_PORTS = {
    "worker": ("STREAMAGENTS_WEB_PORT", 6066),
    "gateway": ("STREAMAGENTS_GATEWAY_PORT", 8080),
    "watch": ("STREAMAGENTS_WATCH_PORT", 6070),
    "bridge": ("STREAMAGENTS_BRIDGE_PORT", 6071),
}


def _ask_live(port: int) -> str | None:
    connection = http.client.HTTPConnection(_host(), port, timeout=ANSWER_S)
    try:
        connection.request("GET", "/live")
        status = connection.getresponse().status
    finally:
        connection.close()
    return None if status == http.client.OK else f"/live on port {port} says {status}"


def _ask_kafka(port: int) -> str | None:
    # A frozen broker's kernel still takes connections: only an answer is a sign of life.
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S) as connection:
        connection.sendall(_API_VERSIONS)
        answer = connection.recv(8)
    return None if answer[4:8] == _API_VERSIONS[8:12] else f"port {port} speaks no Kafka"


def _host() -> str:
    bind = os.environ.get("STREAMAGENTS_BIND") or "127.0.0.1"
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)  # noqa: S104 - not bound, asked


def _port(name: str, default: int) -> int:
    try:
        return int(os.environ.get(name) or default)
    except ValueError:
        sys.stderr.write(f"{name} is no port.\n")
        raise SystemExit(2) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=["broker", *_PORTS])
    parser.add_argument("--tries", type=int, default=1, help="how often, before it is no")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between them")
    return parser


if __name__ == "__main__":
    sys.exit(main())
