"""Supervision: what a supervisor such as systemd says in the environment."""

from __future__ import annotations

import os

from streamagents.ops.supervisor import Supervisor, watchdog_s


def load_supervisor() -> Supervisor:
    """Who wants to hear how this process does; nobody where the environment names no socket."""
    environment = os.environ
    return Supervisor(
        environment.get("NOTIFY_SOCKET", ""),
        watchdog_s=watchdog_s(
            environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
        ),
    )
