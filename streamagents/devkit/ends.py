"""Ends of child processes: what they mean, and how long to wait before the next."""

from __future__ import annotations

import signal

HEALTHY_S = 60.0
"""A process that lived so long did not crash because of how it began."""
_LONGEST_BACKOFF_S = 30.0


def backoff_s(crashes: int) -> float:
    """How long to wait after so many crashes in a row: 1, 2, 4 .. 30 seconds."""
    return float(min(_LONGEST_BACKOFF_S, 2 ** min(crashes - 1, 10)))


def reason(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
