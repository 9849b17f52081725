"""Hosts: which ones a request may go to, as data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from yarl import URL

from streamagents.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

_ANY = "*"
_BELOW = "*."
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_ADDRESS = re.compile(r"[0-9a-f:.]+")


class Hosts:
    """An allow-list: `Hosts(["example.com", "*.example.org", "localhost:8080"])`.

    Without a port any port is meant, `*.example.org` is every name below it and not itself, and
    `*` is every host. An empty list allows none.

    Args:
        entries: hosts, in any order.

    Raises:
        ConfigurationError: an entry is no host.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self._entries = frozenset(_read(entry) for entry in entries)

    @property
    def open(self) -> bool:
        """Whether it allows every host."""
        return (_ANY, None) in self._entries

    def allows(self, host: str, port: int) -> bool:
        """Whether a request may go there."""
        name = plain(host)
        above = name.split(".")[1:]
        names = [name, _ANY, *(_BELOW + ".".join(above[at:]) for at in range(len(above)))]
        return any((name, wanted) in self._entries for name in names for wanted in (None, port))


def host_and_port(entry: str) -> tuple[str, int]:
    """Read an exact `host:port`.

    Raises:
        ConfigurationError: it is none.
    """
    host, port = _read(entry)
    if port is None or host.startswith(_ANY):
        raise ConfigurationError(f"{entry!r} is no host:port, such as crm.internal:8080.")
    return host, port


def plain(host: str) -> str:
    """A host as it is compared."""
    return host.rstrip(".").casefold()


def _read(entry: str) -> tuple[str, int | None]:
    text = entry.strip()
    below = text.startswith(_BELOW)
    rest = text.removeprefix(_BELOW)
    if rest == _ANY and not below:
        return _ANY, None
    host, port = _parts(rest)
    if not host or port == 0:
        raise ConfigurationError(
            f"{entry!r} is no host: say example.com, *.example.com, example.com:8443 or *."
        )
    return (_BELOW if below else "") + host, port


def _parts(text: str) -> tuple[str, int | None]:
    """A host as it stands in a URL's middle, and its port; no host where there is more."""
    try:
        url = URL(f"http://{text}")
        host, port = plain(url.raw_host or ""), url.explicit_port
    except ValueError:
        return "", None
    whole = _ADDRESS if text.startswith("[") else _NAME
    alone = not any(char in text for char in "/?#@") and not text.endswith(":")
    return (host, port) if alone and whole.fullmatch(host) else ("", None)
