"""The demo's log: what Faust and the agents say goes to a file, the terminal shows the view."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

from streamagents.devkit.folder import unwritable
from streamagents.errors import DevkitError

if TYPE_CHECKING:
    from pathlib import Path

LOG_BYTES = 10 << 20
_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def log_to_file(folder: Path) -> Path:
    """Send all logs and warnings of this process to `demo.log` in the folder, and nowhere else.

    Raises:
        DevkitError: the folder cannot be written.
    """
    file = folder / "demo.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(file, maxBytes=LOG_BYTES, backupCount=1)
    except OSError as exc:
        raise DevkitError(unwritable(folder, exc)) from exc
    logging.basicConfig(level=logging.INFO, format=_FORMAT, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    return file
