"""Given: what a user hands to a channel, in the shape that it works with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

if TYPE_CHECKING:
    from collections.abc import Iterable


def secret(value: SecretStr | str) -> SecretStr:
    """The value, as what no log and no error shows."""
    return value if isinstance(value, SecretStr) else SecretStr(value)


def several(values: Iterable[Any] | Any) -> tuple[Any, ...]:
    """The values; a single text is one of them, not a row of letters."""
    return (values,) if isinstance(values, (str, SecretStr)) else tuple(values)
