"""Domains of mail addresses that are no company's."""

from __future__ import annotations

FREE_MAIL = frozenset({
    "aol.com", "freenet.de", "gmail.com", "gmx.at", "gmx.de", "gmx.net", "googlemail.com",
    "hotmail.com", "icloud.com", "live.com", "mail.ru", "me.com", "msn.com", "outlook.com",
    "proton.me", "protonmail.com", "qq.com", "t-online.de", "web.de", "yahoo.com", "yahoo.de",
    "yandex.ru",
})  # fmt: skip
DISPOSABLE_MAIL = frozenset({
    "10minutemail.com", "dispostable.com", "getnada.com", "guerrillamail.com", "mailinator.com",
    "sharklasers.com", "temp-mail.org", "tempmail.com", "throwawaymail.com", "trashmail.com",
    "trashmail.de", "yopmail.com",
})  # fmt: skip
_RESERVED = ("example", "example.com", "example.net", "example.org", "invalid", "localhost", "test")
"""Of RFC 2606: there is nobody."""


def is_reserved(domain: str) -> bool:
    """Whether nobody can have a site there."""
    return any(domain == name or domain.endswith(f".{name}") for name in _RESERVED)
