"""Companions: commands that serve beside the worker, each started again when it ends by itself."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Self

from streamagents.devkit.child import companion
from streamagents.devkit.ends import HEALTHY_S, backoff_s, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from streamagents.devkit.child import ChildProcess
    from streamagents.devkit.stopping import Stopping


class Companions:
    """Runs the commands for one application while it is entered. An async context manager."""

    def __init__(
        self,
        module: str,
        say: Callable[[str], None],
        stopping: Stopping,
        *,
        grace_s: float,
        commands: Sequence[str],
    ) -> None:
        self._module, self._say, self._stopping = module, say, stopping
        self._grace_s, self._commands = grace_s, commands
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._keep(command)) for command in self._commands]
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)  # each stops its child in time

    async def _keep(self, command: str) -> None:
        crashes = 0
        while True:
            began = time.monotonic()
            code = await self._run(companion(command, self._module))
            crashes = 1 if time.monotonic() - began > HEALTHY_S else crashes + 1
            wait_s = backoff_s(crashes)
            self._say(
                f"`streamagents {command}` ended by itself ({reason(code)}); "
                f"the next starts in {wait_s:g} s."
            )
            await asyncio.sleep(wait_s)

    async def _run(self, child: ChildProcess) -> int:
        self._stopping.at_once.append(child.kill)
        try:
            await child.start()
            return await child.ended()
        finally:
            await child.stop(self._grace_s)
            self._stopping.at_once.remove(child.kill)
