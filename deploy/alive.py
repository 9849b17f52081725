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
import json
import os
import signal
import socket
import struct
import sys
import time
from typing import NoReturn

ANSWER_S = 5.0
"""One answer's time, to its last byte. A busy worker answers within 0.1 s."""
_LONGEST = 4096
_LAST_PORT = 65_535

_API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)
"""The request that every Kafka answers to everybody: size, api, version, correlation, client."""


def main() -> int:
    """Ask as often as told to; the exit code."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGALRM, _too_late)
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
    signal.setitimer(signal.ITIMER_REAL, ANSWER_S)  # timeouts of sockets begin anew at each byte
    try:
        if what == "broker":
            return _ask_kafka(_port("STREAMAGENTS_KAFKA_PORT", 9092))
        return _ask_live(_port(*_PORTS[what]))
    except TimeoutError:
        return f"no answer within {ANSWER_S:g} s"
    except UnicodeError:
        return f"{_host()!r} is no address"
    except (OSError, http.client.HTTPException) as exc:
        return getattr(exc, "strerror", None) or f"no HTTP answer ({type(exc).__name__})"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


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
        answer = connection.getresponse()
        status, ours = answer.status, _is_ours(answer.read(_LONGEST))
    finally:
        connection.close()
    if status != http.client.OK:
        return f"/live on port {port} says {status}"
    return None if ours else f"something else serves port {port}"


def _is_ours(body: bytes) -> bool:
    """Whether this is a verdict; many a server answers 200 to whatever it is asked."""
    try:
        said = json.loads(body)
    except ValueError:
        return False
    return isinstance(said, dict) and "status" in said


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
    named = os.environ.get(name) or str(default)
    if named.isdecimal() and int(named) <= _LAST_PORT:
        return int(named)
    sys.stderr.write(f"{name} is no port.\n")
    raise SystemExit(2)


def _too_late(*_: object) -> NoReturn:
    raise TimeoutError


def _times(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of times")
    return int(text)


def _seconds(text: str) -> float:
    if (seconds := float(text)) < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no time")
    return seconds


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=["broker", *_PORTS])
    parser.add_argument("--tries", type=_times, default=1, help="how often, before it is no")
    parser.add_argument("--every", type=_seconds, default=5.0, help="seconds between them")
    return parser


if __name__ == "__main__":
    sys.exit(main())
