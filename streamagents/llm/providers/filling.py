"""Filling: an instance of a JSON schema, by simple rules. Same schema and text, same result."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FILLER = "[rules] no model is configured"
_DEEPEST = 20
"""A schema that holds itself is filled so far."""
_MOST_ITEMS = 100
_NUMBER = re.compile(r"(?<![\w.])-?\d{1,15}(?:\.\d{1,6})?(?![\w.])")
_WORD = re.compile(r"\w+")
_FORMATS = {
    "email": "rules@example.com",
    "uri": "https://example.com/",
    "date-time": "1970-01-01T00:00:00Z",
    "date": "1970-01-01",
    "time": "00:00:00Z",
    "duration": "PT0S",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "hostname": "example.com",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
}


def fill(schema: Mapping[str, Any], text: str) -> Any:
    """An instance of the schema.

    Args:
        schema: of the answer. What it asks for beyond types, choices and bounds may be missed.
        text: the data; of several choices the one that it names is taken, of numbers its first.
    """
    return _Filling(schema.get("$defs", {}), text).of(schema, 0)


class _Filling:
    def __init__(self, definitions: Mapping[str, Any], text: str) -> None:
        self._definitions = definitions
        self._words = f" {' '.join(_WORD.findall(text.casefold()))} "
        self._numbers = [float(found) for found in _NUMBER.findall(text)]

    def of(self, schema: Mapping[str, Any], depth: int) -> Any:
        if depth > _DEEPEST:
            return None
        if "$ref" in schema:
            return self.of(self._definitions.get(schema["$ref"].rpartition("/")[2], {}), depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._choice(schema["enum"])
        variants = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if variants:
            return self._variant(variants, depth)
        return self._typed(schema, depth)

    def _typed(self, schema: Mapping[str, Any], depth: int) -> Any:
        match schema.get("type"):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "integer" | "number" as kind:
                return self._number(schema, whole=kind == "integer")
            case "boolean":
                return False
            case "string":
                return _string(schema)
        return None

    def _choice(self, choices: Sequence[Any]) -> Any:
        for choice in choices:
            if isinstance(choice, str):
                words = " ".join(_WORD.findall(choice.casefold().replace("_", " ")))
                if words and f" {words} " in self._words:
                    return choice
        return choices[0] if choices else None

    def _variant(self, variants: Sequence[Mapping[str, Any]], depth: int) -> Any:
        if any(variant.get("type") == "null" for variant in variants):
            return None  # nothing is known, and nothing is allowed
        return self.of(variants[0], depth + 1)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        return {
            name: part["default"]
            if "default" in part and name not in required
            else self.of(part, depth + 1)
            for name, part in schema.get("properties", {}).items()
        }

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        firsts = [self.of(part, depth + 1) for part in schema.get("prefixItems", ())]
        missing = min(schema.get("minItems", 0), _MOST_ITEMS) - len(firsts)
        return firsts + [self.of(schema.get("items", {}), depth + 1) for _ in range(missing)]

    def _number(self, schema: Mapping[str, Any], *, whole: bool) -> float | int:
        low, high = schema.get("minimum"), schema.get("maximum")
        above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")

        def fits(number: float) -> bool:
            return (
                (low is None or number >= low)
                and (high is None or number <= high)
                and (above is None or number > above)
                and (below is None or number < below)
                and (not whole or number.is_integer())
            )

        least = low if low is not None else above + 1 if above is not None else None
        most = high if high is not None else below - 1 if below is not None else None
        tries = [*self._numbers, *(float(n) for n in (least, 0, most) if n is not None)]
        number = next(filter(fits, tries), 0.0)
        return int(number) if whole else number


def _string(schema: Mapping[str, Any]) -> str:
    text = _FORMATS.get(schema.get("format", ""), FILLER)
    return text.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]
