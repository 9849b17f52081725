"""W3C trace context: the `traceparent` that ties an emitted event to the one it came from."""

from __future__ import annotations

import re
import secrets

_TRACEPARENT = re.compile(rb"00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})")
HEADER = "traceparent"


def new_traceparent() -> bytes:
    """Begin a trace: a fresh trace id and span id, sampled (https://www.w3.org/TR/trace-context)."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01".encode()


def child_of(parent: bytes | None) -> bytes:
    """A new span in the parent's trace; a new trace where the parent is absent or malformed."""
    match = _TRACEPARENT.fullmatch(parent or b"")
    if match is None or match[1] == b"0" * 32:
        return new_traceparent()
    return b"00-%b-%b-%b" % (match[1], secrets.token_hex(8).encode(), match[2])


def passed_on(parent: bytes | None) -> bytes:
    """The same span, for who only hands on; a new trace where it is absent or malformed."""
    match = _TRACEPARENT.fullmatch(parent or b"")
    return new_traceparent() if match is None or match[1] == b"0" * 32 else match[0]
