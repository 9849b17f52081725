"""Signing as each sender of webhooks does it, written from the senders' own documentation."""

from __future__ import annotations

import base64
import hashlib
import hmac

Headers = tuple[tuple[str, str], ...]

STANDARD_SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()


def digest(secret: str | bytes, content: bytes, name: str = "sha256") -> bytes:
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.new(key, content, getattr(hashlib, name)).digest()


def github(
    secret: str, body: bytes, *, event: str = "push", id_: str = "72d3162e-cc78-11e3"
) -> Headers:
    return (
        ("x-hub-signature-256", "sha256=" + digest(secret, body).hex()),
        ("x-github-event", event),
        ("x-github-delivery", id_),
    )


def stripe(secret: str, body: bytes, at: int) -> Headers:
    signed = digest(secret, f"{at}.".encode() + body).hex()
    return (("stripe-signature", f"t={at},v1={signed},v0={'0' * 64}"),)


def slack(secret: str, body: bytes, at: int) -> Headers:
    signed = digest(secret, f"v0:{at}:".encode() + body).hex()
    return (("x-slack-request-timestamp", str(at)), ("x-slack-signature", f"v0={signed}"))


def typeform(secret: str, body: bytes) -> Headers:
    signed = base64.b64encode(digest(secret, body)).decode()
    return (("typeform-signature", f"sha256={signed}"),)


def standard(secret: str, body: bytes, at: int, id_: str = "msg_1") -> Headers:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = base64.b64encode(digest(key, f"{id_}.{at}.".encode() + body)).decode()
    return (
        ("webhook-id", id_),
        ("webhook-timestamp", str(at)),
        ("webhook-signature", f"v1,{signed}"),
    )
