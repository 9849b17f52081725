"""A delivery as it arrived: headers and raw bytes, before anybody believes or parses them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from pydantic_core import from_json

from streamagents.errors import UndecodableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORM = "application/x-www-form-urlencoded"
_MAX_FIELDS = 1000


@dataclass(frozen=True, slots=True)
class Received:
    """One request of a sender."""

    headers: Mapping[str, tuple[str, ...]]
    """By lower-case name all values; latin-1, as HTTP has them."""
    body: bytes

    @classmethod
    def of(cls, headers: Iterable[tuple[str, str]], body: bytes) -> Received:
        """From headers as they came, repeated ones and all."""
        gathered: dict[str, tuple[str, ...]] = {}
        for name, value in headers:
            low = name.lower()
            gathered[low] = (*gathered.get(low, ()), value)
        return cls(gathered, body)

    def one(self, name: str) -> str | None:
        """A header's only value. A repeated one is none: nobody knows which of them is meant."""
        values = self.headers.get(name.lower(), ())
        return values[0].strip(" \t") if len(values) == 1 else None

    @property
    def is_form(self) -> bool:
        """Whether it is a form as a browser sends it, without files."""
        return (self.one("content-type") or "").partition(";")[0].strip().lower() == FORM

    def fields(self) -> dict[str, str]:
        """The fields of a form; of a repeated one the last.

        Raises:
            UndecodableError: it is none.
        """
        try:
            pairs = parse_qsl(
                self.body.decode(),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=_MAX_FIELDS,
            )
        except ValueError as exc:  # of the encoding, or of too many fields
            raise UndecodableError("The body is no form in UTF-8.") from exc
        return dict(pairs)


def strict_json(value: bytes | str) -> object:
    """JSON to Python values; no NaN and no Infinity, which only some readers take.

    Raises:
        UndecodableError: it is none.
    """
    try:
        data: object = from_json(value, allow_inf_nan=False)
    except ValueError as exc:
        raise UndecodableError(f"The body is no JSON: {exc}.") from exc
    return data
