"""`Cron`: the moments of a cron expression in a zone, the same on any worker, wherever it begins.

The expression is read and followed by cronsim on the wall's time alone; what the setting of clocks
does to it is decided in `walls`. (In an hour that comes twice cronsim 2.8 goes to slots that have
passed, and backwards it leaves slots out.)
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError

from streamagents.errors import ConfigurationError
from streamagents.triggers.cron.walls import moments, offsets

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIELDS = 5
_SECOND = timedelta(seconds=1)
_SOME_DAY = datetime(2024, 1, 1)  # noqa: DTZ001 - a wall's time
_YEARS = 100
"""Looked at on both sides; an expression that fires at all does it more often."""


class Cron:
    """A cron expression of five fields, and the zone whose clocks it goes by.

    Minute, hour, day of the month, month (or `jan`), day of the week (0 and 7 are Sunday, or
    `sun`). Lists `1,15`, ranges `mon-fri`, steps `*/10`; `L` and `LW` as the last day and the last
    weekday of a month, `fri#2` and `5L` as its second and last Friday. If day of the month and of
    the week are both given, either is enough. No seconds, no `@daily`, no `?`.

    Args:
        expression: as in a crontab.
        zone: an IANA name, such as `Europe/Berlin`.

    Raises:
        ConfigurationError: the expression or the zone is none, or the expression never fires.
    """

    def __init__(self, expression: str, zone: str = "UTC") -> None:
        self.expression = " ".join(_text("expression", expression).split())
        self.zone = _zone(_text("zone", zone))
        _check(self.expression)
        minute, hour, *_ = self.expression.split()
        self._fixed = not minute.startswith("*") and not hour.startswith("*")

    def __str__(self) -> str:
        return f"{self.expression} {self.zone.key}"

    def latest(self, moment: datetime) -> datetime | None:
        """The last slot at or before a moment, in UTC."""
        _, widest = offsets(moment, self.zone)
        best: datetime | None = None
        least = timedelta()
        for wall in self._walls(_naive(moment + widest) + _SECOND, reverse=True):
            if best is not None and _aware(wall) - least <= best:
                break  # no wall's time from here on comes later than what was found
            for slot in moments(wall, self.zone, fixed=self._fixed):
                if slot <= moment and (best is None or slot > best):
                    best = slot
                    least, _ = offsets(best, self.zone)
        return best

    def next(self, moment: datetime) -> datetime | None:
        """The first slot after a moment, in UTC."""
        least, _ = offsets(moment, self.zone)
        best: datetime | None = None
        widest = timedelta()
        for wall in self._walls(_naive(moment + least) - _SECOND):
            if best is not None and _aware(wall) - widest >= best:
                break
            for slot in moments(wall, self.zone, fixed=self._fixed):
                if slot > moment and (best is None or slot < best):
                    best = slot
                    _, widest = offsets(best, self.zone)
        return best

    def _walls(self, start: datetime, *, reverse: bool = False) -> Iterator[datetime]:
        walls = CronSim(self.expression, start, reverse=reverse)
        for wall in walls:
            if abs(wall.year - start.year) > _YEARS:
                return
            yield wall


def _check(expression: str) -> None:
    if len(expression.split()) != _FIELDS:
        raise ConfigurationError(
            f"The cron expression {expression!r} has {len(expression.split())} fields, it needs "
            "five: minute, hour, day of the month, month, day of the week. Seconds and names such "
            "as @daily are not supported."
        )
    try:
        next(CronSim(expression, _SOME_DAY))
    except CronSimError as exc:
        raise ConfigurationError(
            f"The cron expression {expression!r} cannot be used: {str(exc)[:1].lower()}"
            f"{str(exc)[1:]}, or it would never fire."
        ) from exc
    except StopIteration:
        raise ConfigurationError(f"The cron expression {expression!r} never fires.") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        missing = (
            ""
            if available_timezones()
            else (" This machine knows none at all: install the package tzdata.")
        )
        raise ConfigurationError(
            f"There is no time zone {name!r}: use an IANA name such as 'Europe/Berlin' or 'UTC'."
            f"{missing}"
        ) from exc


def _text(what: str, value: object) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(f"A cron {what} is a text, not {value!r}.")
    return value


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _aware(wall: datetime) -> datetime:
    return wall.replace(tzinfo=UTC)
