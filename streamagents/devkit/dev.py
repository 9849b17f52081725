"""The development loop: Kafka, a worker for one application, and a fresh one on every change."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from streamagents.devkit.borrowed import BorrowedBroker
from streamagents.devkit.child import check_up, worker
from streamagents.devkit.companions import Companions
from streamagents.devkit.ends import HEALTHY_S, backoff_s, reason
from streamagents.devkit.foreground import StopAsked
from streamagents.devkit.stopping import Stopping
from streamagents.devkit.watching import Watcher, folder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streamagents.devkit.child import ChildProcess
    from streamagents.settings import Settings

_MARGIN_S = 10.0
"""What a worker gets to stop, beyond the grace of its agents."""


def run_dev(settings: Settings, module: str, say: Callable[[str], None]) -> int:
    """Run until Ctrl-C, in the main thread; the exit code.

    Args:
        settings: broker, data folder, grace.
        module: the application's module.
        say: takes each sentence for the person in front.

    Raises:
        StreamAgentsError: the broker cannot be started.
    """
    with Stopping() as stopping:
        try:
            with BorrowedBroker(settings, notify=say) as broker:
                stopping.at_once.append(broker.kill)
                say(f"Kafka serves {broker.address}.")
                loop = DevLoop(settings, module, say, stopping)
                stopping.run(loop.run())
        except StopAsked:
            pass  # Ctrl-C is how it is meant to end
    return 0


class DevLoop:
    """Checks the application, runs its worker, begins anew when something changes."""

    def __init__(
        self, settings: Settings, module: str, say: Callable[[str], None], stopping: Stopping
    ) -> None:
        self._module, self._say, self._stopping = module, say, stopping
        self._grace_s = settings.shutdown_grace_s + _MARGIN_S
        self._crashes = 0

    async def run(self) -> None:
        """Go on until a stop signal.

        Raises:
            StopAsked: it came.
        """
        async with Watcher(folder_of(self._module)) as watcher:
            self._say(f"Watching {watcher.folder} for changes; Ctrl-C ends.")
            while True:
                found = await self._stopping.unless_asked(check_up(self._module))
                if found.fault is None:
                    await self._work(watcher, found.companions)
                else:
                    self._say(f"{found.fault} Waiting for a change.")
                    await self._changed(watcher)

    async def _work(self, watcher: Watcher, commands: Sequence[str]) -> None:
        """Run one worker to its end, and until there is a reason for the next."""
        child, began = worker(self._module), time.monotonic()
        companions = Companions(
            self._module, self._say, self._stopping, grace_s=self._grace_s, commands=commands
        )
        self._stopping.at_once.append(child.kill)
        try:
            async with companions:
                self._say(f"The worker of {self._module} starts, and {', '.join(commands)}.")
                changed = await self._until_changed(child, watcher)
        except StopAsked:
            self._say("Stopping the worker; Ctrl-C again ends it at once.")
            raise
        finally:
            await child.stop(self._grace_s)
            self._stopping.at_once.remove(child.kill)
        if changed is None:
            await self._after_crash(await child.ended(), time.monotonic() - began, watcher)

    async def _until_changed(self, child: ChildProcess, watcher: Watcher) -> str | None:
        """Start it; what changed, or None when it ended before anything did."""
        await child.start()
        changed = await self._stopping.unless_asked(_first(watcher, child))
        if changed is not None:
            self._restarts(changed)
        return changed

    async def _after_crash(self, code: int, lived_s: float, watcher: Watcher) -> None:
        self._crashes = 1 if lived_s > HEALTHY_S else self._crashes + 1
        wait_s = backoff_s(self._crashes)
        self._say(f"The worker ended by itself ({reason(code)}); the next starts in {wait_s:g} s.")
        try:
            async with asyncio.timeout(wait_s):
                await self._changed(watcher)
        except TimeoutError:
            pass  # nothing changed meanwhile

    async def _changed(self, watcher: Watcher) -> None:
        self._restarts(await self._stopping.unless_asked(watcher.changed()))

    def _restarts(self, changed: str) -> None:
        self._crashes = 0
        self._say(f"Changed: {changed}. Starting anew.")


async def _first(watcher: Watcher, worker: ChildProcess) -> str | None:
    """What changed, or None when the worker ended before anything did."""
    changed = asyncio.ensure_future(watcher.changed())
    ended = asyncio.ensure_future(worker.ended())
    try:
        await asyncio.wait([changed, ended], return_when=asyncio.FIRST_COMPLETED)
        return changed.result() if changed.done() else None
    finally:
        changed.cancel()
        ended.cancel()
