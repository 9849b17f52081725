"""The file watcher as a process: an application's folders, watched until a signal comes."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import structlog

from streamagents.errors import ConfigurationError
from streamagents.pipeline.addressing import known
from streamagents.runtime.clock import SystemClock
from streamagents.runtime.ears import Ears, heard_of_folder
from streamagents.runtime.serving import log_as_set, targets, together, until_stopped, writing
from streamagents.triggers.files import Folder
from streamagents.triggers.files.intake import Intake
from streamagents.triggers.files.ledger import SentFiles
from streamagents.triggers.files.notices import FolderNotices
from streamagents.triggers.files.patterns import Patterns
from streamagents.triggers.files.watch import FolderWatch
from streamagents.triggers.inbound import Inbound
from streamagents.triggers.sending import Sender

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from streamagents.bus import KafkaBus
    from streamagents.runtime.app import StreamApp
    from streamagents.topics import TopicSpec

log = structlog.stdlib.get_logger("streamagents.runtime")


def folders_of(app: StreamApp) -> dict[str, Folder]:
    """The folders that an application and its settings name.

    Raises:
        ConfigurationError: two have one name, or one of the settings cannot work.
    """
    declared = [trigger for trigger in app.triggers if isinstance(trigger, Folder)]
    named = [setting.folder(name) for name, setting in app.settings.watch.items()]
    folders: dict[str, Folder] = {}
    for folder in (*declared, *named):
        if folder.name in folders:
            raise ConfigurationError(f"Two folders are named {folder.name!r}: rename one.")
        folders[folder.name] = folder
    return folders


def has_folders(app: StreamApp) -> bool:
    """Whether `streamagents watch` has something to do."""
    return bool(folders_of(app))


def watch(app: StreamApp, names: Sequence[str]) -> None:
    """Watch folders until SIGTERM or SIGINT.

    Args:
        app: the application.
        names: of folders; none is all.

    Raises:
        ConfigurationError: there is no such folder, or it is watched already.
        TopicsError: the events' topics are not as they have to be.
        StateError: the ledger cannot be written.
    """
    log_as_set(app.settings)
    folders = _chosen(folders_of(app), names)
    for folder in folders:
        _check(app, folder)
    # What is under way is cancelled: it is sent again, under the same ids.
    asyncio.run(until_stopped(_watch_and_tell(app, folders)))


async def _watch_and_tell(app: StreamApp, folders: Sequence[Folder]) -> None:
    settings = app.settings
    ears = Ears(app, _topics(app, folders))
    async with ears.shown(settings.bind, settings.watch_port, "STREAMAGENTS_WATCH_PORT"):
        await watch_folders(app, folders, ears)


async def watch_folders(
    app: StreamApp, folders: Sequence[Folder], ears: Ears | None = None
) -> None:
    """Watch folders until cancelled.

    Args:
        app: the application.
        folders: which.
        ears: shows how they are, where this is a process of its own.

    Raises:
        ConfigurationError: one is watched by another process.
        TopicsError: the events' topics are not as they have to be.
        StateError: the ledger cannot be written.
    """
    async with AsyncExitStack() as stack:
        bus, cluster = await stack.enter_async_context(writing(app.settings, _topics(app, folders)))
        ledgers = [
            stack.enter_context(SentFiles(ledger_path(app, folder, cluster))) for folder in folders
        ]
        watches = [
            await _watch_of(app, folder, ledger, bus, stack)
            for folder, ledger in zip(folders, ledgers, strict=True)
        ]
        if ears is not None:
            sources = [folder.source for folder in folders]
            ears.begin(lambda: map(heard_of_folder, sources, watches))
        await together(watch.run() for watch in watches)


def _topics(app: StreamApp, folders: Sequence[Folder]) -> list[TopicSpec]:
    return targets(app, (folder.type for folder in folders))


async def _watch_of(
    app: StreamApp, folder: Folder, ledger: SentFiles, bus: KafkaBus, stack: AsyncExitStack
) -> FolderWatch:
    clock = SystemClock()
    inbound = Inbound(registry=app.registry, layout=app.layout, clock=clock, source=folder.source)
    intake = Intake(folder, inbound, Sender(bus, clock))
    deep = Patterns(folder.patterns).deep
    notices = await stack.enter_async_context(FolderNotices(folder.root, deep=deep))
    log.info("watching", folder=folder.name, path=str(folder.root), type=folder.type)
    return FolderWatch(folder, intake, ledger, notices, clock)


def ledger_path(app: StreamApp, folder: Folder, cluster: str) -> Path:
    """Where is kept what was sent of a folder.

    What another cluster has, this one has not: a new one gets all that lies there.
    """
    return _ledgers(app) / cluster / f"{folder.name}.db"


def ledgers_of(app: StreamApp, folder: Folder) -> list[Path]:
    """The ledgers of a folder, of whichever cluster."""
    return list(_ledgers(app).glob(f"*/{folder.name}.db*"))


def _ledgers(app: StreamApp) -> Path:
    folder: Path = app.settings.data_dir / app.conf.id / "watch"
    return folder


def _chosen(folders: dict[str, Folder], names: Sequence[str]) -> list[Folder]:
    if not folders:
        raise ConfigurationError(
            "The application watches no folder: hand one over as "
            "create_app(triggers=[Folder(...)]), or name one in STREAMAGENTS_WATCH."
        )
    if missing := [name for name in names if name not in folders]:
        raise ConfigurationError(
            f"There is no folder named {missing[0]!r}, there is {', '.join(sorted(folders))}."
        )
    return [folders[name] for name in names or folders]


def _check(app: StreamApp, folder: Folder) -> None:
    if not folder.root.is_dir():
        raise ConfigurationError(
            f"The folder {folder.name!r} is to be {folder.root}, which is no folder: make it."
        )
    if known(app.registry, folder.type)[0] is None:
        log.warning("type_unknown", folder=folder.name, type=folder.type, goes_to="inbox")
