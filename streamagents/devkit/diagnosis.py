"""Why a broker died: its log, read for the reader who only wants the one sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streamagents.devkit.folder import DATA_DIR_SETTING, disk_full
from streamagents.devkit.sockets import taken

if TYPE_CHECKING:
    from pathlib import Path

_TAIL_BYTES = 256 * 1024
_LONGEST_QUOTE = 300
_STACK = re.compile(r"^\s+(at |\.\.\. \d+ more)")
_FAULT = re.compile(r"\b(ERROR|FATAL|Exception|Error)\b|Error occurred|^Caused by:|Exception:")
_CAUSE = "Caused by: "


def tail(log: Path) -> str:
    """Return the end of the log; nothing where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def explain(output: str, *, log: Path, port: int, disk_is_full: bool = False) -> str:
    """Say in one sentence why the broker died, and what to do."""
    if disk_is_full or "No space left on device" in output or "Disk quota exceeded" in output:
        return disk_full(log.parent)
    if clash := re.search(r"bind to [^\s:]+:(\d+): Address already in use", output):
        return taken(int(clash[1]), None)
    if "Address already in use" in output:
        return taken(port, None)
    if "Failed to acquire lock on file" in output:
        return f"Another Kafka already uses {log.parent}: stop it first."
    if "AccessDeniedException" in output or "Permission denied" in output:
        return (
            f"{log.parent} cannot be written by the broker: make it writable, or set"
            f" {DATA_DIR_SETTING} to another folder."
        )
    quote = last_fault(output)
    said = f"its log says: {quote!r}" if quote else "its log is empty"
    return f"The embedded broker ended by itself; {said} (all of it is in {log})."


def last_fault(output: str) -> str | None:
    """Return the last line that names a fault, the deepest cause of it where one is given.

    A log without any such line ends with the line that is returned instead.
    """
    lines = [
        line.strip() for line in output.splitlines() if line.strip() and not _STACK.match(line)
    ]
    faults = [line for line in lines if _FAULT.search(line)]
    chosen = (faults or lines)[-1:] or None
    return chosen[0].removeprefix(_CAUSE)[:_LONGEST_QUOTE] if chosen else None
