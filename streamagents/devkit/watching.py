"""Watching: which of an application's Python files changed."""

from __future__ import annotations

import asyncio
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Self

from watchfiles import PythonFilter, awatch

if TYPE_CHECKING:
    from types import TracebackType

_SHOWN = 3


class _Sources(PythonFilter):
    ignore_dirs = (*PythonFilter.ignore_dirs, "site-packages")


class Watcher:
    """Watches the Python files below a folder. An async context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._changes: asyncio.Queue[set[Path]] = asyncio.Queue()
        self._end = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._end.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def changed(self) -> str:
        """Wait for a change; the files, in words."""
        files = await self._changes.get()
        while not self._changes.empty():
            files |= self._changes.get_nowait()
        return in_words(files, self.folder)

    async def _watch(self) -> None:
        async for changes in awatch(
            self.folder, watch_filter=_Sources(), stop_event=self._end, rust_timeout=1000
        ):
            self._changes.put_nowait({Path(path) for _, path in changes})


def in_words(files: set[Path], folder: Path) -> str:
    """Names of files, relative to the folder, the first few of them."""
    names = sorted(
        str(file.relative_to(folder) if file.is_relative_to(folder) else file) for file in files
    )
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def folder_of(module: str) -> Path:
    """Where an application's sources lie: its package, or the folder of its single file.

    Does not import it. Where there is no such module, the current folder: it may appear there.
    """
    top = module.partition(":")[0].partition(".")[0]
    loaded = sys.modules.get(top)
    try:
        spec = loaded.__spec__ if loaded is not None else find_spec(top)
    except ValueError:  # a module that says nothing of where it comes from
        spec = None
    if spec is not None and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve()
    if spec is not None and spec.origin and spec.has_location:
        return Path(spec.origin).resolve().parent
    return Path.cwd()
