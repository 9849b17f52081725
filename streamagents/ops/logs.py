"""Logs: how a line looks, what it leaves out, and the file that does not fill the disk."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, Any

from streamagents.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from streamagents.ops.redaction import Redactor

_FILE_BYTES = 10 << 20
_FILES_KEPT = 5
FIELDS = "streamagents"
"""Attribute of a log record: what was logged, field by field."""


class Redacting(logging.Formatter):
    """Formats as another does, and leaves out what must not be read, tracebacks included."""

    def __init__(self, inner: logging.Formatter, redactor: Redactor) -> None:
        super().__init__()
        self.inner, self._redactor = inner, redactor

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return self._redactor.text(self.inner.format(record))


class JsonLines(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `action`, and the fields of the event.

    Args:
        redactor: hides what must not be read.
        inner: what was there before.
    """

    def __init__(self, redactor: Redactor, inner: logging.Formatter) -> None:
        super().__init__()
        self.inner, self._redactor = inner, redactor

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        fields = getattr(record, FIELDS, None)
        if fields is None:
            line |= {"action": "log", "message": record.getMessage()}
        else:
            action = fields.get("event", "log")
            line |= {"action": action, **{k: v for k, v in fields.items() if k != "event"}}
            if "attempts" in fields:
                line.setdefault("attempt", fields["attempts"])
        if record.exc_info and "exception" not in line:
            line["exception"] = self.formatException(record.exc_info)
        plain = json.loads(json.dumps(line, default=str, skipkeys=True))
        return json.dumps(self._redactor.data(plain), ensure_ascii=False)


class LogFile(RotatingFileHandler):
    """A file of 10 MiB, and five older ones. One a process: two would rotate under each other.

    Raises:
        ConfigurationError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            super().__init__(path, maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT, encoding="utf-8")
        except OSError as exc:
            raise ConfigurationError(
                f"The log file {path} cannot be written: {exc.strerror}. Name another one with "
                "STREAMAGENTS_LOG_FILE."
            ) from exc
        self._told = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's
        """A full disk is told once, and where it cannot come back to us as a line to be logged."""
        if not self._told and sys.__stderr__ is not None:
            self._told = True
            error = sys.exc_info()[1]
            print(f"The log file cannot be written: {error}", file=sys.__stderr__)
