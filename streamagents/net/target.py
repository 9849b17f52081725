"""Targets: which URL may be asked, and where a redirect may lead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yarl import URL

from streamagents.errors import AddressRefusedError
from streamagents.net.addresses import is_address, looks_like_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamagents.net.hosts import Hosts

REDIRECTS = frozenset({301, 302, 303, 307, 308})

_SHOWN_CHARS = 100
"""Of a host, in sentences: whoever chose it may have chosen a long one."""
_KEPT_ELSEWHERE = frozenset({"accept", "accept-language", "user-agent"})


def where(url: URL) -> str:
    """A URL as it may stand in a sentence: secrets stand in its path and query."""
    host = (url.raw_host or "?")[:_SHOWN_CHARS]
    host = f"[{host}]" if ":" in host else host
    return host if url.is_default_port() else f"{host}:{url.port}"


def check_url(text: str, hosts: Hosts | None) -> URL:
    """Read a URL and see whether it may be asked; its address is checked when it is dialled.

    Args:
        text: the URL.
        hosts: the allow-list; None allows every host.

    Raises:
        AddressRefusedError: it may not.
    """
    try:
        url = URL(text)
    except (ValueError, TypeError):  # its own sentence would show the URL
        raise AddressRefusedError("This is no URL.", code="bad_url") from None
    return _checked(url, text, hosts)


def check_redirect(location: str, asked: URL, hosts: Hosts | None) -> URL:
    """Where a redirect leads.

    Raises:
        AddressRefusedError: nobody may follow it.
    """
    try:
        url = asked.join(URL(location))
    except ValueError:
        raise AddressRefusedError(
            f"{where(asked)} redirects to what is no URL.", code="bad_url"
        ) from None
    if asked.scheme == "https" and url.scheme == "http":
        raise AddressRefusedError(f"{where(asked)} redirects from https to http.", code="bad_url")
    return _checked(url, location, hosts)


def headers_for(
    url: URL, asked: URL, headers: Sequence[tuple[str, str]]
) -> Sequence[tuple[str, str]]:
    """The headers that a redirect takes along: elsewhere nothing that could be a secret."""
    if url.origin() == asked.origin():
        return headers
    return [(name, value) for name, value in headers if name.casefold() in _KEPT_ELSEWHERE]


def _checked(url: URL, text: str, hosts: Hosts | None) -> URL:
    fault = _fault(url, text)
    if fault:
        raise AddressRefusedError(fault, code="bad_url")
    if hosts is not None and not hosts.allows(url.raw_host or "", url.port or 0):
        raise AddressRefusedError(
            f"{where(url)} is not among the hosts that are allowed here.", code="host_not_allowed"
        )
    return url.with_fragment(None)


def _fault(url: URL, text: str) -> str:
    if url.scheme not in {"http", "https"}:
        return "A URL has to begin with http:// or https://."
    if any(not char.isprintable() or char.isspace() or char == "\\" for char in text):
        return "A URL has no spaces, backslashes or control characters."
    host = url.raw_host
    if not host or "%" in host or not url.port:
        return "A URL has to name a host."
    if url.user is not None or url.password is not None:
        return f"A URL must not carry credentials, and the one to {where(url)} does."
    if looks_like_address(host) and not is_address(host):
        return f"{where(url)} is no host: write an address in its usual form."
    return ""
