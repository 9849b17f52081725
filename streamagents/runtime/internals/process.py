"""The worker's process: signals, and a sentence in place of a traceback where a person erred."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from typing import Any

import faust

from streamagents.errors import StreamAgentsError

_STOP_S = 30.0
"""What giving back, the last writes and commit, and Faust's own stop may take after the grace."""
_LAST_THREADS_S = 1.0


class WorkerBoot(faust.App.BootStrategy):  # type: ignore[misc] # Faust is not typed for us
    """Faust's start-up without its web server, unless our setting asks for it."""

    def _should_enable_web(self) -> bool:
        return bool(self.app.settings.faust_web and super()._should_enable_web())


class StreamWorker(faust.Worker):  # type: ignore[misc] # Faust is not typed for us
    """Faust's worker process."""

    refusal: StreamAgentsError | None = None

    async def start(self) -> None:
        """Start the application; one that cannot work ends the process with exit code 1."""
        try:
            await super().start()
        except StreamAgentsError as exc:
            self.refusal = exc
            raise asyncio.CancelledError from exc  # how Faust knows a start that was called off

    def on_setup_root_logger(self, *_: Any) -> None:
        """No spinner: for it the root logger stays at DEBUG, where the driver logs every request.

        That is a fifth of the CPU time of a worker with 100 events a second.
        """
        self.spinner = None

    def stop_and_shutdown(self) -> None:
        """Stop everything, then say why, if it was not a person's wish."""
        try:
            super().stop_and_shutdown()
        except StreamAgentsError as exc:
            self.refusal = exc
        if self.refusal is not None:
            print(f"Error: {self.refusal}", file=sys.__stderr__)
        code = 0 if self.refusal is None else 1
        _leave_hanging_threads(code)
        if code:
            raise SystemExit(code)

    async def _stop_on_signal(self, signal: Any) -> None:
        limit_s = self.app.settings.shutdown_grace_s + _STOP_S
        last_resort = threading.Timer(limit_s, _leave, [f"no clean stop within {limit_s:g} s"])
        last_resort.daemon = True
        last_resort.start()
        await super()._stop_on_signal(signal)

    def _on_sigterm(self) -> Any:
        if self._signal_stop_time:
            self.app.engine.hurry()  # the second one: release at once
        return super()._on_sigterm()


def _leave_hanging_threads(code: int) -> None:
    """End now if an agent left a thread behind: Python would wait for it, for ever if it hangs.

    Everything of ours is stopped, written and committed by then.
    """
    # The event loop's own threads have been told to end a moment ago, when it was closed.
    until = time.monotonic() + _LAST_THREADS_S
    for thread in _lasting_threads():
        thread.join(max(0.0, until - time.monotonic()))
    left = _lasting_threads()
    if left:
        _leave(f"threads are left behind: {left}", code)


def _lasting_threads() -> list[threading.Thread]:
    """Those that Python waits for at its end."""
    main = threading.main_thread()
    return [thread for thread in threading.enumerate() if thread is not main and not thread.daemon]


def _leave(why: str, code: int = 0) -> None:
    """End the process as it stands. What was not written and committed will be done again."""
    logging.getLogger("streamagents.runtime").warning("leaving: %s", why)
    logging.shutdown()
    os._exit(code)
