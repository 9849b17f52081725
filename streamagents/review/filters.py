"""Filters: which letters are meant. The expression is JMESPath, https://jmespath.org."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jmespath
from jmespath.exceptions import ArityError, JMESPathError
from jmespath.functions import Functions
from pydantic import TypeAdapter, ValidationError

from streamagents.errors import ConfigurationError
from streamagents.review.letter import Letter
from streamagents.topics import LETTERS_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


_AGO = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_TIME: TypeAdapter[datetime] = TypeAdapter(datetime)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What all of a selection's letters have in common; None asks nothing."""

    topic: str | None = None
    """Of the letter or of the original, with the prefix or without it."""
    agent: str | None = None
    error: str | None = None
    """An error code, or the class of an error."""
    since: datetime | None = None
    """Written then or later."""
    until: datetime | None = None
    """Written before then."""
    key: str | None = None
    id: str | None = None
    """Of the event, or the position of the original or of the letter."""
    names: Callable[[Letter], list[str]] = Letter.ids
    """What a letter's event may be called."""
    where: Callable[[Letter], bool] | None = None
    prefix: str = ""
    """Of the topics on the broker."""

    def matches(self, letter: Letter) -> bool:
        """Whether a letter is meant. What costs most is asked last."""
        fault = letter.fault
        return (
            (self.agent is None or self.agent == fault.agent)
            and (self.error is None or self._is_error(letter))
            and (self.since is None or letter.written_at >= self.since)
            and (self.until is None or letter.written_at < self.until)
            and (self.key is None or letter.key == self.key.encode(errors="surrogateescape"))
            and (self.topic is None or self._is_topic(letter))
            and (self.id is None or self.id in self.names(letter))
            and (self.where is None or self.where(letter))
        )

    def _is_topic(self, letter: Letter) -> bool:
        names = (letter.at.topic, letter.at.topic.removesuffix(LETTERS_SUFFIX), letter.fault.topic)
        return self.topic in names or self.prefix + (self.topic or "") in names

    def _is_error(self, letter: Letter) -> bool:
        fault = letter.fault
        names = [fault.code, fault.exception, fault.cause]
        return self.error in names or self.error in [name.rpartition(".")[2] for name in names]


class Where:
    """Asks an expression of each letter: over `topic, partition, offset, key, data, headers, ...`.

    `data.amount > `100``, `error.code == 'timeout' && attempts > `2``. See `fields_of`.

    Args:
        text: the expression.

    Raises:
        ConfigurationError: it is none.
    """

    def __init__(self, text: str) -> None:
        self.unanswered = 0
        """Letters on which it could not be asked, as `length` of a number; they are not meant."""
        try:
            self._path = jmespath.compile(text)
        except JMESPathError as exc:
            raise ConfigurationError(_no_expression(text, exc)) from exc
        except RecursionError as exc:
            raise ConfigurationError(f"--where is too deeply nested: {text[:40]!r}...") from exc
        for name in _functions(self._path.parsed):
            if name not in Functions.FUNCTION_TABLE:
                raise ConfigurationError(_no_expression(text, f"there is no function {name}"))

    def __call__(self, letter: Letter) -> bool:
        """Whether the letter is meant."""
        try:
            return _is_true(self._path.search(fields_of(letter)))
        except ArityError as exc:  # which shows only when it is asked
            raise ConfigurationError(_no_expression(self._path.expression, exc)) from exc
        except (JMESPathError, TypeError, ValueError, AttributeError, ArithmeticError):
            # Its functions check most of their arguments, and leave the rest to Python.
            self.unanswered += 1
            return False


def fields_of(letter: Letter) -> dict[str, Any]:
    """What an expression can ask for."""
    fault, origin = letter.fault, letter.origin
    return {
        "letter": str(letter.at),
        "topic": fault.topic,
        "partition": None if origin is None else origin.partition,
        "offset": None if origin is None else origin.offset,
        "key": None if letter.key is None else letter.key.decode(errors="replace"),
        "id": letter.ids()[0],
        "data": letter.data(),
        "size": len(letter.value or b""),
        "headers": {
            name: (value or b"").decode(errors="replace") for name, value in letter.headers
        },
        "error": {
            "code": fault.code,
            "exception": fault.exception,
            "cause": fault.cause,
            "message": fault.message,
        },
        "agent": fault.agent,
        "group": fault.group,
        "attempts": fault.attempts,
        "replays": fault.replays,
        "written_at": letter.written_at.isoformat(),
        "state": "open" if letter.state is None else letter.state.stage.value,
    }


def read_moment(text: str, now: datetime) -> datetime:
    """A moment: a time (RFC 3339; UTC where it names no zone), or how long ago: `90m`, `2d`.

    Raises:
        ConfigurationError: it is neither.
    """
    if (ago := _AGO.fullmatch(text.strip())) is not None:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    # pydantic would take digits for a unix time
    said = "" if text.strip().isdigit() else text.strip()
    try:
        time = _TIME.validate_python(said)
    except (ValidationError, ValueError, OverflowError) as exc:
        raise ConfigurationError(
            f"{text!r} is no moment: write a time such as 2026-11-23T04:00:00Z, or how long ago, "
            "such as 90m, 6h or 2d."
        ) from exc
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def _functions(node: Any) -> Iterator[str]:
    """The functions that an expression calls."""
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node["children"]:
        if isinstance(child, dict):  # of a slice they are numbers
            yield from _functions(child)


def _no_expression(text: str, why: object) -> str:
    first = str(why).strip().splitlines()[0].rstrip(".:")
    return f"--where {text!r} is no JMESPath expression: {first}."


def _is_true(found: Any) -> bool:
    """As JMESPath has it: null, false and what is empty are not."""
    return found is not None and found is not False and found not in ("", [], {})
