"""Commands for tests: the console script in its own process, as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
SCRIPT = "from streamagents.cli import main; main()"
ANY_PORT = {f"STREAMAGENTS_{pages}_PORT": "0" for pages in ("WEB", "WATCH", "BRIDGE")}
"""For pages: tests start many processes at once."""


def streamagents(
    *arguments: str,
    env: dict[str, str] | None = None,
    stdin: bytes = b"",
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `streamagents ...`; without settings but those that are handed over."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("STREAMAGENTS_", "COLUMNS"))}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        env={**kept, "PYTHONPATH": str(CHECKOUT), **ANY_PORT, **(env or {})},
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
        cwd=cwd,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )
