"""Access: who may post to `/events`. A token, or without any the people at this machine."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from typing import TYPE_CHECKING

from streamagents.errors import ConfigurationError
from streamagents.triggers.gateway.answers import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

_TOKEN = re.compile(r"(?:([A-Za-z0-9._-]{1,40}):)?([A-Za-z0-9._~+/-]+=*)")
"""A bearer token of RFC 6750 has no colon: what stands before one is its name."""
_UNNAMED = "default"
_NO_TOKEN = "local"  # noqa: S105 - the name of those who need none
_LOCAL_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_UNAUTHORIZED = "A bearer token is needed, and this is none that is known."


def is_loopback(host: str) -> bool:
    """Whether an address, or `localhost`, is this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Tokens:
    """The bearer tokens, each `token` or `name:token`; several for rotation, or for several senders.

    Raises:
        ConfigurationError: one is no token.
    """  # noqa: E501 - one sentence

    def __init__(self, tokens: Iterable[str]) -> None:
        self._names: list[tuple[bytes, str]] = []
        for text in tokens:
            match = _TOKEN.fullmatch(text)
            if match is None:
                raise ConfigurationError(
                    "STREAMAGENTS_GATEWAY_TOKEN: a token has letters, digits and ._~+/-, and "
                    "before it may stand a name and a colon."
                )
            self._names.append((_digest(match[2]), match[1] or _UNNAMED))

    def __bool__(self) -> bool:
        return bool(self._names)

    def admit(self, request: Request) -> str:
        """The name of the token, or of who needs none here.

        Raises:
            RefusedError: 401 without a known token, 403 where only this machine may post.
        """
        if not self._names:
            _from_here(request)
            return _NO_TOKEN
        given = request.headers.getlist("authorization")
        kind, _, token = given[0].strip().partition(" ") if len(given) == 1 else ("", "", "")
        digest, found = _digest(token.strip()), None
        for known, name in self._names:  # all of them, in even time
            if hmac.compare_digest(known, digest):
                found = name
        if found is None or kind.lower() != "bearer":
            raise RefusedError(401, _UNAUTHORIZED, headers={"www-authenticate": "Bearer"})
        return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()


def _from_here(request: Request) -> None:
    """Without a token: from this machine, through no proxy, and by no page in its browser.

    A page could post to localhost, but no JSON without asking first; one whose name was pointed
    at 127.0.0.1 has another `Host`.
    """
    peer = request.client.host if request.client else ""
    proxied = any(
        name == "forwarded" or name.startswith("x-forwarded-") for name in request.headers
    )
    hosts = request.headers.getlist("host")
    is_local = len(hosts) == 1 and _LOCAL_HOST.fullmatch(hosts[0].strip()) is not None
    if not is_loopback(peer) or proxied or not is_local:
        raise RefusedError(
            403,
            "Without STREAMAGENTS_GATEWAY_TOKEN only this machine may post here, to localhost and "
            "through no proxy.",
        )
