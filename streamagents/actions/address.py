"""Addresses of e-mail: which text is one, and whom a channel may write to."""

from __future__ import annotations

import re
from email.utils import parseaddr
from typing import TYPE_CHECKING, Annotated

import idna
from pydantic import AfterValidator

from streamagents.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*")
_LONGEST = 254
_LONGEST_LOCAL = 64


def mail_address(text: str) -> str:
    """The address as a mail server takes it: a domain with foreign letters becomes ASCII.

    Raises:
        ValueError: it is none, or its part before the @ is not ASCII, which few servers take.
    """
    local, at, domain = text.rpartition("@")
    if at and not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode()
        except idna.IDNAError:
            at = ""
    address = f"{local}@{domain}"
    if (
        not at
        or len(address) > _LONGEST
        or len(local) > _LONGEST_LOCAL
        or not _LOCAL.fullmatch(local)
        or not _DOMAIN.fullmatch(domain)
    ):
        raise ValueError("an e-mail address looks like ann@example.com, in ASCII before the @")
    return address


Address = Annotated[str, AfterValidator(mail_address)]
"""An e-mail address, without a name."""


def named_address(text: str) -> tuple[str, str]:
    """The name and the address in `Crm <crm@example.com>` or `crm@example.com`.

    Raises:
        ConfigurationError: there is no address in it.
    """
    name, address = parseaddr(text)
    try:
        return name, mail_address(address)
    except ValueError as exc:
        raise ConfigurationError(f"A sender of e-mail is needed: {exc}.") from exc


class Recipients:
    """Whom a channel may write to: addresses, `@example.com` for a domain, `*` for everybody.

    Raises:
        ConfigurationError: when built with something else.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = frozenset(_rule(one) for one in allowed)

    @property
    def open(self) -> bool:
        """Whether it allows everybody."""
        return "*" in self._allowed

    def __contains__(self, address: str) -> bool:
        address = address.casefold()
        domain = address.rpartition("@")[2]
        return not self._allowed.isdisjoint({"*", address, f"@{domain}"})


def _rule(text: str) -> str:
    text = text.strip()
    try:
        if text == "*":
            return text
        if "*" in text:  # legal in an address, and never meant so
            raise ValueError("a star stands alone")  # noqa: TRY301 - told below
        if text.startswith("@"):
            return mail_address(f"x{text}")[1:].casefold()
        return mail_address(text).casefold()
    except ValueError as exc:
        raise ConfigurationError(
            f"{text!r} is nobody that e-mail may be allowed to: say ann@example.com, @example.com "
            "or *."
        ) from exc
