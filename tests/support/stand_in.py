"""Stands in for `streamagents`: what `keep-running.sh` starts, quick and as sick as a test wants.

A folder says how it fares (`HEALTH`): `worker.dies` it ends at once, `worker.deaf` its /live fails.
Each start and each command is a line of `commands`.
"""

from __future__ import annotations

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import NoReturn

HEALTH = Path(os.environ["HEALTH"])
PORTS = {"worker": "STREAMAGENTS_WEB_PORT", "gateway": "STREAMAGENTS_GATEWAY_PORT"}


def main() -> None:
    command = " ".join(sys.argv[1:])
    with (HEALTH / "commands").open("a") as commands:
        commands.write(f"{os.getpid()} {os.environ.get('STREAMAGENTS_LOG_FILE', '-')} {command}\n")
    if (HEALTH / f"{sys.argv[1]}.dies").exists():
        sys.exit("It cannot be.")
    if command in PORTS:
        serve(command)


def serve(name: str) -> NoReturn:
    class Live(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503 if (HEALTH / f"{name}.deaf").exists() else 200)
            self.end_headers()
            self.wfile.write(b'{"status": "ok"}')

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = HTTPServer(("127.0.0.1", int(os.environ[PORTS[name]])), Live)
    sys.stderr.write("serving\n")
    server.serve_forever()
    raise AssertionError


if __name__ == "__main__":
    main()
