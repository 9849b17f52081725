"""Kafka's storage on the disk: formatted once, and checked before a broker is let near it."""

from __future__ import annotations

import base64
import shutil
import subprocess
import uuid
from typing import TYPE_CHECKING

from streamagents.devkit.diagnosis import explain
from streamagents.devkit.folder import unwritable
from streamagents.devkit.jars import KAFKA_VERSION
from streamagents.devkit.properties import NODE_ID, parse, render
from streamagents.errors import DevkitError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from streamagents.devkit.folder import BrokerFolder

_META = "meta.properties"
_META_VERSION = "1"
_FORMAT_TIMEOUT_S = 60.0
_UNUSED_PORT = 1  # formatting opens none, but the configuration must name two


def prepare(folder: BrokerFolder, java: Sequence[str]) -> str:
    """Format the storage where there is none yet, and return the id of its cluster.

    Args:
        folder: the folder of the broker.
        java: the command that runs a class of Kafka, without the class.

    Raises:
        DevkitError: it cannot be formatted, or is damaged, or belongs to a newer Kafka.
    """
    try:
        folder.root.mkdir(parents=True, exist_ok=True)
        if not folder.storage.is_dir() or not any(folder.storage.iterdir()):
            _format(folder, java)
    except OSError as exc:
        raise DevkitError(unwritable(folder.root, exc)) from exc
    return cluster_id(folder)


def cluster_id(folder: BrokerFolder) -> str:
    """Return the id of the cluster whose storage this is.

    Raises:
        DevkitError: the storage cannot be read, is damaged, or belongs to a newer Kafka.
    """
    try:
        meta, written_by = _read(folder.storage / _META), _read(folder.version)
    except OSError as exc:
        raise DevkitError(
            f"{folder.root} cannot be read ({exc.strerror}): check whose it is."
        ) from exc
    return decide_cluster_id(meta, written_by, folder)


def remember_version(folder: BrokerFolder) -> None:
    """Note that this Kafka has used the storage.

    Raises:
        OSError: the note cannot be written.
    """
    if _read(folder.version) != KAFKA_VERSION:
        folder.version.write_text(KAFKA_VERSION)


def decide_cluster_id(meta: str, written_by: str, folder: BrokerFolder) -> str:
    """Decide whether this Kafka may use a storage, and return the id of its cluster.

    Raises:
        DevkitError: the storage is damaged, is not ours, or belongs to a newer Kafka.
    """
    remedy = "`streamagents kafka reset` deletes it with all its events"
    if _is_newer(written_by):
        raise DevkitError(
            f"{folder.root} was written by Kafka {written_by}, newer than {KAFKA_VERSION}: upgrade"
            f" streamagents, or name another folder ({remedy})."
        )
    fields = parse(meta)
    version, found = fields.get("version"), fields.get("cluster.id")
    if version is not None and version.isdigit() and int(version) > int(_META_VERSION):
        raise DevkitError(
            f"{folder.root} was formatted by a newer Kafka than {KAFKA_VERSION}: upgrade"
            f" streamagents, or name another folder ({remedy})."
        )
    if version != _META_VERSION or not found or fields.get("node.id") != NODE_ID:
        raise DevkitError(
            f"{folder.storage / _META} is damaged or missing: restore it from a backup ({remedy})."
        )
    return found


def _is_newer(version: str) -> bool:
    parts = version.split(".")
    if not all(part.isdigit() for part in parts):
        return False  # a damaged note does not lock anybody out of the events
    return [int(part) for part in parts] > [int(part) for part in KAFKA_VERSION.split(".")]


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except FileNotFoundError:
        return ""


def _format(folder: BrokerFolder, java: Sequence[str]) -> None:
    # Formatted elsewhere and renamed: an interrupted format leaves no storage, rather than half.
    shutil.rmtree(folder.formatting, ignore_errors=True)
    properties = folder.properties.with_suffix(".formatting")
    settings = render(
        port=_UNUSED_PORT, controller_port=_UNUSED_PORT + 1, storage=folder.formatting, fsync=False
    )
    properties.write_text(settings)
    command = [*java, "kafka.tools.StorageTool", "format", "-t", _new_cluster_id()]
    try:
        done = subprocess.run(  # noqa: S603 - our own command line, no shell
            [*command, "-c", str(properties)],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_FORMAT_TIMEOUT_S,
            check=False,
            cwd=folder.root,
        )
    except subprocess.TimeoutExpired as exc:
        raise DevkitError(
            f"Formatting {folder.formatting} took more than {_FORMAT_TIMEOUT_S:g} s: the machine"
            " or its disk is very slow; try again."
        ) from exc
    if done.returncode != 0:
        folder.log.write_text(done.stdout + done.stderr)
        raise DevkitError(explain(done.stdout + done.stderr, log=folder.log, port=_UNUSED_PORT))
    shutil.rmtree(folder.storage, ignore_errors=True)
    folder.formatting.rename(folder.storage)
    properties.unlink()


def _new_cluster_id() -> str:
    # A leading dash would be read as an option by Kafka's format command.
    name = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return f"k{name[1:]}"
