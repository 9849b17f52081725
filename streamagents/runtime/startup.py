"""Start-up: what must be true before a worker consumes anything."""

from __future__ import annotations

import asyncio
import fcntl
import os
from typing import TYPE_CHECKING

import structlog

from streamagents.bus import KafkaAdmin
from streamagents.errors import BrokerUnavailableError, ConfigurationError, TopicsError
from streamagents.pipeline.expiry import UNLIMITED, Lifetime, lifetime
from streamagents.topics import LETTERS_SUFFIX, plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from streamagents.settings import Settings
    from streamagents.topics import ActualTopic, TopicSpec

log = structlog.stdlib.get_logger("streamagents.runtime")

_ASK_S = 5.0
_AGAIN_S = 1.0
_MAX_WORKERS = 1000
_OWNER = "owner"
"""File in a worker's folder that says whose state it is."""


async def prepare(
    settings: Settings, app_id: str, specs: Sequence[TopicSpec]
) -> tuple[Path, Mapping[str, ActualTopic]]:
    """Wait for the broker, look at the topics, take a data folder.

    Returns:
        The folder, and the topics as the broker has them.

    Raises:
        TopicsError: a topic is missing or has another number of partitions.
        ConfigurationError: the data folder cannot be used.
    """
    cluster, actual = await ask(settings.bootstrap, [spec.name for spec in specs])
    check_topics(specs, actual)
    folder = take_folder(settings.data_dir / app_id, f"{app_id}@{cluster}")
    log.info("data_folder", path=str(folder))
    return folder, actual


def lifetimes(ttl_s: float, topics: Mapping[str, ActualTopic]) -> dict[str, Lifetime]:
    """By topic, how long seen ids live: never shorter than what they stand for can come again.

    Args:
        ttl_s: the setting.
        topics: as the broker has them.
    """
    lives: dict[str, Lifetime] = {}
    for name, topic in topics.items():
        letters = topics.get(name + LETTERS_SUFFIX)
        if letters is None:
            continue  # not one that is consumed
        life = lives[name] = lifetime(ttl_s, topic.config, letters.config)
        if life.done_s > ttl_s:
            log.info(
                "dedupe_ttl_raised",
                topic=name,
                setting_s=ttl_s,
                retention_s="unlimited" if life.done_s == UNLIMITED else life.done_s,
            )
    return lives


async def ask(bootstrap: str, names: Sequence[str]) -> tuple[str, Mapping[str, ActualTopic]]:
    """Ask the cluster who it is and what it has, as often as it takes: a worker waits."""
    warned = False
    while True:
        try:
            async with KafkaAdmin(bootstrap, timeout_s=_ASK_S) as admin:
                return await admin.cluster_id(), await admin.describe(names)
        except BrokerUnavailableError:
            if not warned:
                log.warning("waiting_for_broker", bootstrap=bootstrap)
                warned = True
            await asyncio.sleep(_AGAIN_S)


def check_topics(wanted: Sequence[TopicSpec], actual: Mapping[str, ActualTopic]) -> None:
    """Refuse to start on topics that would lose or misplace events.

    Raises:
        TopicsError: a topic is missing or has another number of partitions.
    """
    changes = plan(wanted, actual)
    refused = [change for change in changes if change.action == "refuse"]
    if refused:
        reasons = "; ".join(f"{change.spec.name} {change.reason}" for change in refused)
        raise TopicsError(
            f"The number of partitions is not what the application declares: {reasons}. State "
            "and order hang on it: declare what is there (`STREAMAGENTS_PARTITIONS`, or "
            "`partitions=` of the event)."
        )
    missing = [change.spec.name for change in changes if change.action == "create"]
    if missing:
        raise TopicsError(
            f"{len(missing)} of the topics do not exist ({', '.join(missing[:5])}"
            f"{', ...' if len(missing) > 5 else ''}): "  # noqa: PLR2004 - enough to recognize them
            "run `streamagents topics apply`."
        )


def take_folder(root: Path, owner: str) -> Path:
    """The first free `worker-<n>` folder, locked for the life of this process.

    Args:
        root: the application's folder.
        owner: application and cluster; the state of another is of no use and would mislead.

    Raises:
        ConfigurationError: a folder cannot be written, or holds the state of somebody else.
    """
    for number in range(_MAX_WORKERS):
        folder = root / f"worker-{number}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as exc:
            raise ConfigurationError(
                f"The data folder {folder} cannot be used: {exc.strerror}. Name another one "
                "with STREAMAGENTS_DATA_DIR."
            ) from exc
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel lets go when we die
        except BlockingIOError:
            os.close(lock)
            continue
        _own(folder, owner)
        return folder
    raise ConfigurationError(f"All {_MAX_WORKERS} worker folders in {root} are taken.")


def _own(folder: Path, owner: str) -> None:
    file = folder / _OWNER
    other = file.read_text() if file.exists() else ""  # a kill may have left it empty
    if not other:
        file.write_text(owner)
    elif other != owner:
        raise ConfigurationError(
            f"The data folder {folder} holds the state of {other}, this is {owner}: name "
            "another one with STREAMAGENTS_DATA_DIR, or delete it; the state comes back from "
            "the changelog."
        )
