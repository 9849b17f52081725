"""Staying in the foreground for a service manager: its stop signals become an exception."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopAsked(BaseException):
    """Raised in the main thread when a service manager or Ctrl-C asks us to stop."""


@contextmanager
def stop_signals_raised() -> Iterator[None]:
    """Raise StopAsked in the body at the first stop signal; the ones that follow are ignored."""
    before = {number: signal.getsignal(number) for number in _STOP_SIGNALS}
    for number in _STOP_SIGNALS:
        signal.signal(number, _raise_stop_asked)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise_stop_asked(_number: int, _frame: FrameType | None) -> NoReturn:
    # We are stopping now: a second signal must not interrupt that half-way.
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise StopAsked
