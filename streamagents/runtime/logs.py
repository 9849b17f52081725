"""Logs: structlog through the standard library, and a driver that does not repeat itself."""

from __future__ import annotations

import logging
import time

import structlog

_REPEAT_S = 60.0


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
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


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
