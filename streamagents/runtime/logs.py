"""Logs: structlog through the standard library, and a driver that does not repeat itself."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import SecretStr

from streamagents.ops.logs import FIELDS, JsonLines, LogFile, Redacting
from streamagents.ops.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from streamagents.ports import Report
    from streamagents.settings import Settings

_REPEAT_S = 60.0
_UNTOLD = frozenset({"ok", "duplicate", "skipped", "forwarded", "delayed"})
"""Outcomes that nobody has to look at, and that have no line of their own elsewhere."""

log = structlog.stdlib.get_logger("streamagents.runtime")


class OncePerMinute(logging.Filter):
    """Lets a message of a logger through once a minute: a broker that is away is no news."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be logged."""
        now, message = time.monotonic(), f"{record.levelno}{record.msg}"
        if now - self._said.get(message, -_REPEAT_S) < _REPEAT_S:
            return False
        self._said[message] = now
        return True


class OutcomeLog:
    """The port `Observer`: a line for each event that ended well, for whoever asked for it."""

    def observe(self, report: Report) -> None:
        """Log it."""
        if report.outcome in _UNTOLD:
            log.info(
                report.outcome,
                event_id=report.event_id,
                topic=report.topic,
                partition=report.partition,
                offset=report.offset,
                agent=report.agent,
                attempt=report.attempt,
                seconds=round(report.seconds, 3),
            )


def configure_logs() -> None:
    """Send what we log to the standard library's loggers, unless the application decided."""
    calm_the_driver()
    calm_the_sdk()
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.format_exc_info,
            _Render(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


class _Render:
    """The last processor: text for people, and the fields beside it for whoever writes JSON."""

    def __init__(self) -> None:
        self._text = structlog.processors.KeyValueRenderer(key_order=["event"])

    def __call__(
        self, logger: Any, method: str, event: MutableMapping[str, Any]
    ) -> tuple[tuple[str], dict[str, Any]]:
        fields = dict(event)
        text = self._text(logger, method, event)
        return (text,), {"extra": {FIELDS: fields}}


def start_logs(settings: Settings) -> logging.Handler | None:
    """Write lines as the settings say, from here on; the file's handler, if there is a file.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    redactor = redactor_of(settings)
    root = logging.getLogger()
    file = None if settings.log_file is None else LogFile(settings.log_file)
    if file is not None:
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        root.addHandler(file)
    for handler in root.handlers:
        known = handler.formatter or logging.Formatter()
        if isinstance(known, (Redacting, JsonLines)):
            known = known.inner
        kind = JsonLines if settings.log_format == "json" else Redacting
        handler.setFormatter(kind(redactor=redactor, inner=known))
    return file


def stop_logs(file: logging.Handler | None) -> None:
    """Close the file."""
    if file is not None:
        logging.getLogger().removeHandler(file)
        file.close()


def redactor_of(settings: Settings) -> Redactor:
    """What hides the secrets of the settings, and the fields that they name."""
    return Redactor(_secrets(dict(settings)), settings.redact)


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _secrets(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _secrets(inner)


def calm_the_driver() -> None:
    """Keep aiokafka, which logs every failed attempt to connect, from filling the disk."""
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        if name.startswith("aiokafka") and not any(
            isinstance(known, OncePerMinute) for known in logger.filters
        ):
            logger.addFilter(OncePerMinute())


def calm_the_sdk() -> None:
    """Keep the model's client from a line for each request, which has one of ours already.

    Told to debug, it would show whole prompts: whoever wants that sets its level.
    """
    for name in ("anthropic", "httpx2"):
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
