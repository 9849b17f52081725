"""The command line that runs a class of Kafka: which Java, with which options, on which jars."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from streamagents.devkit.jars import class_path
from streamagents.devkit.java import find_java

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamagents.devkit.java import Java

HEAP_MIB = 128
"""Enough for an application and some thousand partitions of its own; see the settings for more."""
# Small rather than fast: one C1 compiler, one collector thread.
_SMALL = (
    # Grow the heap late and shrink it again: saves 25 MiB of an idle broker, costs no start-up.
    "-Xms16m",
    "-XX:MinHeapFreeRatio=10",
    "-XX:MaxHeapFreeRatio=25",
    # Java keeps an I/O buffer as large as the largest record per thread, unless told not to.
    "-Djdk.nio.maxCachedBufferSize=65536",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)
# Java 24 began to warn about what Kafka 4.4 still does; older ones do not know the options.
_QUIET_FROM = 24
_QUIET = ("--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED")


def kafka_command(notify: Callable[[str], None], *, heap_mib: int = HEAP_MIB) -> tuple[str, ...]:
    """Return the command that runs a class of Kafka, up to the name of the class.

    Args:
        notify: given a sentence when something takes longer than usual.
        heap_mib: what Java may take for objects.

    Raises:
        DevkitError: there is no Java for it, or the jars cannot be had.
    """
    java = find_java()
    return (str(java.path), *options(java, heap_mib), "-cp", _joined(class_path(notify)))


def options(java: Java, heap_mib: int = HEAP_MIB) -> tuple[str, ...]:
    """Return the JVM's options for this Java."""
    return (f"-Xmx{heap_mib}m", *_SMALL, *(_QUIET if (java.major or 0) >= _QUIET_FROM else ()))


def _joined(jars: tuple[Path, ...]) -> str:
    return os.pathsep.join(str(jar) for jar in jars)
