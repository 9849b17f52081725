"""The development loop: Kafka, a worker for one application, and a fresh one on every change."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING

from streamagents.devkit.borrowed import BorrowedBroker
from streamagents.devkit.child import WorkerProcess, check_up
from streamagents.devkit.foreground import StopAsked
from streamagents.devkit.stopping import Stopping
from streamagents.devkit.watching import Watcher, folder_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamagents.settings import Settings

_LONGEST_BACKOFF_S = 30.0
_HEALTHY_S = 60.0
"""A worker that lived so long did not crash because of how it began."""
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
                fault = await self._stopping.unless_asked(check_up(self._module))
                if fault is None:
                    await self._work(watcher)
                else:
                    self._say(f"{fault} Waiting for a change.")
                    await self._changed(watcher)

    async def _work(self, watcher: Watcher) -> None:
        """Run one worker to its end, and until there is a reason for the next."""
        worker, began = WorkerProcess(self._module), time.monotonic()
        self._stopping.at_once.append(worker.kill)
        try:
            await worker.start()
            self._say(f"The worker of {self._module} starts.")
            changed = await self._stopping.unless_asked(_first(watcher, worker))
            if changed is not None:
                self._restarts(changed)
        except StopAsked:
            self._say("Stopping the worker; Ctrl-C again ends it at once.")
            raise
        finally:
            await worker.stop(self._grace_s)
            self._stopping.at_once.remove(worker.kill)
        if changed is None:
            await self._after_crash(await worker.ended(), time.monotonic() - began, watcher)

    async def _after_crash(self, code: int, lived_s: float, watcher: Watcher) -> None:
        self._crashes = 1 if lived_s > _HEALTHY_S else self._crashes + 1
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


def backoff_s(crashes: int) -> float:
    """How long to wait after so many crashes in a row: 1, 2, 4 .. 30 seconds."""
    return float(min(_LONGEST_BACKOFF_S, 2 ** min(crashes - 1, 10)))


def reason(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


async def _first(watcher: Watcher, worker: WorkerProcess) -> str | None:
    """What changed, or None when the worker ended before anything did."""
    changed = asyncio.ensure_future(watcher.changed())
    ended = asyncio.ensure_future(worker.ended())
    try:
        await asyncio.wait([changed, ended], return_when=asyncio.FIRST_COMPLETED)
        return changed.result() if changed.done() else None
    finally:
        changed.cancel()
        ended.cancel()
