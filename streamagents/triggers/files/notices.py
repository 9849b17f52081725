"""Notices of the operating system that something happened below a folder, through watchfiles."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import structlog
import watchfiles

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

log = structlog.stdlib.get_logger("streamagents.triggers")

_GATHER_MS = 200
_AGAIN_S = 30.0
_SOON_S = 1.0


class FolderNotices:
    """The port `Notices`; without help of the system it is as if nothing happened.

    Args:
        path: the folder.
        deep: whether to look below its subfolders, too.
    """

    def __init__(self, path: Path, *, deep: bool) -> None:
        self._path, self._deep = path, deep
        self._happened = asyncio.Event()
        self._stop = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def wait(self, timeout_s: float) -> None:
        """Return when something happened, or when the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._happened.wait()
        self._happened.clear()

    async def _listen(self) -> None:
        warned = False
        while True:
            again_s = _AGAIN_S
            try:
                async for _ in watchfiles.awatch(
                    self._path,
                    watch_filter=None,
                    step=_GATHER_MS,
                    stop_event=self._stop,
                    recursive=self._deep,
                    rust_timeout=1000,
                ):
                    self._happened.set()
            except (OSError, RuntimeError, ExceptionGroup) as exc:
                # Too many watches, or the folder is gone: the regular look goes on without. In a
                # group comes what broke while it listened: a name that is no UTF-8 is enough.
                fault: Exception = exc
                if isinstance(exc, ExceptionGroup):
                    fault, again_s = exc.exceptions[0], _SOON_S
                if not warned:
                    log.warning("no_notices", path=str(self._path), reason=str(fault))
                    warned = True
                self._happened.set()
            await asyncio.sleep(again_s)
            self._happened.set()
