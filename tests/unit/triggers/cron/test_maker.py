"""What a schedule fires: a model, an event, or what a function makes of the slot."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.errors import ConfigurationError
from streamagents.events import Event
from streamagents.triggers.cron.maker import Maker

if TYPE_CHECKING:
    from decimal import Decimal

SLOT = datetime(2026, 11, 23, 9, tzinfo=UTC)


class ReportDue(Event, topic="report_due"):
    day: str = "today"


class WeekDue(Event, topic="week_due"):
    week: int


def daily(slot: datetime) -> ReportDue:
    return ReportDue(day=slot.date().isoformat())


def either(slot: datetime) -> ReportDue | WeekDue:
    return WeekDue(week=slot.isocalendar().week) if slot.hour == 9 else ReportDue()


def unsaid(slot: datetime):  # type: ignore[no-untyped-def] # noqa: ANN201 - the case
    return ReportDue()


def hidden(slot: datetime) -> Decimal:
    raise NotImplementedError


def anything(slot: datetime) -> Event:
    return ReportDue()


def nothing(slot: datetime) -> ReportDue | None:
    return None


async def later(slot: datetime) -> ReportDue:
    return ReportDue()


@pytest.mark.parametrize(
    ("given", "made", "emits"),
    [
        (ReportDue, ReportDue(), (ReportDue,)),
        (WeekDue(week=7), WeekDue(week=7), (WeekDue,)),
        (daily, ReportDue(day="2026-11-23"), (ReportDue,)),
        (either, WeekDue(week=48), (ReportDue, WeekDue)),
    ],
)
def test_an_event_is_made_of_what_was_given(given: Any, made: Event, emits: Any) -> None:
    maker = Maker("Schedule('report')", given)

    assert maker.make(SLOT) == made
    assert maker.emits == emits


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (WeekDue, "WeekDue has required fields (week)"),
        (unsaid, "nothing says which event its function returns"),
        (lambda _slot: ReportDue(), "nothing says which event"),
        (partial(daily), "nothing says which event"),
        (hidden, "nothing says which event"),
        (nothing, "nothing says which event"),
        (anything, "returns any Event"),
        (later, "its function is `async`"),
        ("report_due", "event='report_due' is no event"),
        (None, "event=None is no event"),
        (dict, "is no event"),
    ],
)
def test_what_no_event_can_be_made_of_is_refused(given: Any, why: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"Schedule\('report'\): .*{re.escape(why)}"):
        Maker("Schedule('report')", given)


def test_a_function_that_returns_something_else_is_told() -> None:
    def wrong(slot: datetime) -> ReportDue:
        return {"day": "today"}  # type: ignore[return-value] # the case

    with pytest.raises(TypeError, match="is to return ReportDue, it returned dict"):
        Maker("Schedule('report')", wrong).make(SLOT)
