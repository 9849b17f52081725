"""Answers: what an HTTP status asks of whoever sent an effect."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from streamagents.errors import DeliveryError, NotSentError, Reject, RetryLater

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_SHORTEST_S, _LONGEST_S = 1.0, 7 * 86_400.0
"""Bounds of what a peer may ask for: at 0 it could keep us busy for a day, uncounted."""
_SECONDS = re.compile(r"[0-9]{1,9}")
_NOT_NOW = frozenset({408, 425, 429, 503})
_NOT_TAKEN = frozenset({425, 429})
_CONFLICT = 409
"""The key's first request still runs, says the draft of `Idempotency-Key`."""
_OK, _REDIRECT, _CLIENT, _SERVER, _END = 200, 300, 400, 500, 600


def problem(
    peer: str, status: int, headers: Mapping[str, str], now: datetime, said: str = ""
) -> Exception | None:
    """What to raise for an answer; None if the peer took the effect.

    Args:
        peer: who answered, for the sentence.
        status: of the answer.
        headers: found by name in any case.
        now: the moment, in UTC; `retry-after` may be a date.
        said: what the peer said, as far as it may be shown.
    """
    if _OK <= status < _REDIRECT:
        return None
    reason = f"{peer} answered {status}{f' ({said})' if said else ''}"
    if status in _NOT_NOW:
        after_s = wait_s(headers.get("retry-after", ""), now)
        if after_s is not None:
            return RetryLater(after_s, f"{reason}: not before {after_s:g} s.")
        kind = NotSentError if status in _NOT_TAKEN else DeliveryError
        return kind(f"{reason}.")
    if _REDIRECT <= status < _CLIENT:
        return Reject(f"{reason}, and effects follow no redirect.", code="redirected")
    if _CLIENT <= status < _SERVER and status != _CONFLICT:
        return Reject(f"{reason}.", code="peer_refused")
    return DeliveryError(f"{reason}, and may have done it nevertheless.")


def wait_s(retry_after: str, now: datetime) -> float | None:
    """Seconds that a `retry-after` asks for, within bounds; None if it says nothing."""
    text = retry_after.strip()
    if _SECONDS.fullmatch(text):
        seconds = float(text)
    else:
        try:
            date = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        seconds = (date.replace(tzinfo=date.tzinfo or now.tzinfo) - now).total_seconds()
    return min(max(seconds, _SHORTEST_S), _LONGEST_S)
