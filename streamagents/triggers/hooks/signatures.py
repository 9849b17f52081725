"""Signatures: whether a delivery comes from who holds the secret. Over the raw body, in even time.

Written out instead of taken from `standardwebhooks`, which checks one secret, by its own clock,
and only bodies that are UTF-8. A repeated header of a signature or a timestamp is refused: a proxy
in between may have looked at another one than we.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamagents.triggers.hooks.config import HookConfig
    from streamagents.triggers.hooks.received import Received

_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){1,64}", re.ASCII)
_MAX_SIGNATURES = 20
"""In one header; each costs a comparison with each secret."""


def is_signed(config: HookConfig, received: Received, now: float) -> bool:
    """Whether the delivery is signed with one of the secrets, and not too old or too new.

    Args:
        config: the source's settings.
        received: the delivery.
        now: seconds since the epoch.
    """
    return _CHECKS[config.preset](config, received, now)


def _standard(config: HookConfig, received: Received, now: float) -> bool:
    id_, at = received.one("webhook-id"), received.one("webhook-timestamp")
    signed = received.one("webhook-signature")
    if not id_ or not signed or not _is_near(at, now, config.tolerance_s):
        return False
    given = [part[3:] for part in signed.split() if part.startswith("v1,")]
    return _matches(config, _joined(id_, at, received.body), map(_base64, given))


def _github(config: HookConfig, received: Received, _now: float) -> bool:
    signed = received.one("x-hub-signature-256") or ""
    if not signed.startswith("sha256="):
        return False
    return _matches(config, received.body, [_hex(signed.removeprefix("sha256="))])


def _stripe(config: HookConfig, received: Received, now: float) -> bool:
    pairs = [
        part.strip().partition("=")
        for part in (received.one("stripe-signature") or "").split(",")[:_MAX_SIGNATURES]
    ]
    times = [value for name, _, value in pairs if name == "t"]
    if len(times) != 1 or not _is_near(times[0], now, config.tolerance_s):
        return False
    given = (_hex(value) for name, _, value in pairs if name == "v1")
    return _matches(config, _joined(times[0], received.body), given)


def _slack(config: HookConfig, received: Received, now: float) -> bool:
    at, signed = received.one("x-slack-request-timestamp"), received.one("x-slack-signature") or ""
    if at is None or not signed.startswith("v0=") or not _is_near(at, now, config.tolerance_s):
        return False
    return _matches(
        config, b"v0:%b:%b" % (at.encode(), received.body), [_hex(signed.removeprefix("v0="))]
    )


def _typeform(config: HookConfig, received: Received, _now: float) -> bool:
    signed = received.one("typeform-signature") or ""
    if not signed.startswith("sha256="):
        return False
    return _matches(config, received.body, [_base64(signed.removeprefix("sha256="))])


def _hmac(config: HookConfig, received: Received, now: float) -> bool:
    signed = received.one(config.header or "") or ""
    if not signed.startswith(config.prefix):
        return False
    content = received.body
    if config.timestamp_header is not None:
        at = received.one(config.timestamp_header)
        if not _is_near(at, now, config.tolerance_s):
            return False
        content = _joined(at, received.body)
    decode = _hex if config.encoding == "hex" else _base64
    return _matches(config, content, [decode(signed.removeprefix(config.prefix))])


def _unsigned(_config: HookConfig, _received: Received, _now: float) -> bool:
    return True  # its name says so


_CHECKS: dict[str, Callable[[HookConfig, Received, float], bool]] = {
    "standard": _standard,
    "github": _github,
    "stripe": _stripe,
    "slack": _slack,
    "typeform": _typeform,
    "hmac": _hmac,
    "unsigned": _unsigned,
}


def _matches(config: HookConfig, content: bytes, given: Iterable[bytes | None]) -> bool:
    """Whether one of the signatures is one of ours; all are looked at, whatever the first says."""
    wanted = [hmac.digest(key, content, config.algorithm) for key in config.keys]
    found = False
    for signature in list(given)[:_MAX_SIGNATURES]:
        for right in wanted:
            found |= hmac.compare_digest(right, signature or b"")
    return found


def _is_near(at: str | None, now: float, tolerance_s: float) -> bool:
    return (
        at is not None and _SECONDS.fullmatch(at) is not None and abs(now - int(at)) <= tolerance_s
    )


def _joined(*parts: str | bytes | None) -> bytes:
    return b".".join(
        part if isinstance(part, bytes) else (part or "").encode("latin-1") for part in parts
    )


def _hex(text: str) -> bytes | None:
    return bytes.fromhex(text) if _HEX.fullmatch(text) else None


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
