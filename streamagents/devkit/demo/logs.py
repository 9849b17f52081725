"""The demo's log: what Faust and the agents say goes to a file, the terminal shows the view."""

from __future__ import annotations

import logging
import threading
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

from streamagents.devkit.folder import unwritable
from streamagents.errors import DevkitError

if TYPE_CHECKING:
    from pathlib import Path

LOG_NAME = "demo.log"
LOG_BYTES = 10 << 20
log = logging.getLogger(__name__)

_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def log_to_file(folder: Path) -> None:
    """Send all logs and warnings of this process to `demo.log` in the folder, and nowhere else.

    Raises:
        DevkitError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(folder / LOG_NAME, maxBytes=LOG_BYTES, backupCount=1)
    except OSError as exc:
        raise DevkitError(unwritable(folder, exc)) from exc
    logging.basicConfig(level=logging.INFO, format=_FORMAT, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    threading.excepthook = _log_thread


def _log_thread(died: threading.ExceptHookArgs) -> None:
    """Faust's consumer has a thread of its own, which dies loudly when its broker is gone."""
    log.error("A thread died: %r", died.exc_value)
