"""The worker's process: signals, and a sentence in place of a traceback where a person erred."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from typing import Any

import faust

from streamagents.errors import StreamAgentsError


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

    def _on_sigterm(self) -> Any:
        if self._signal_stop_time:
            self.app.engine.hurry()  # the second one: release at once
        return super()._on_sigterm()


def _leave_hanging_threads(code: int) -> None:
    """End now if an agent left a thread behind: Python would wait for it, for ever if it hangs.

    Everything of ours is stopped, written and committed by then.
    """
    left = [t for t in threading.enumerate() if t is not threading.main_thread() and not t.daemon]
    if left:
        logging.getLogger("streamagents.runtime").warning("leaving threads behind: %s", left)
        logging.shutdown()
        os._exit(code)
