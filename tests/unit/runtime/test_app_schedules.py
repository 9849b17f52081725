"""Schedules of an application: given as triggers, and named in the settings."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from streamagents import create_app
from streamagents.agents import Route
from streamagents.agents.tick import Tick
from streamagents.errors import ConfigurationError
from streamagents.settings import load_settings
from streamagents.testing import FakeContext
from streamagents.triggers import Schedule
from support.records import Anything, Order, Receipt, Scripted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from streamagents.runtime.app import StreamApp


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., StreamApp]:
    def build(*triggers: Any, schedules: Any = None) -> StreamApp:
        monkeypatch.setenv("STREAMAGENTS_DATA_DIR", str(tmp_path))
        if schedules is not None:
            text = schedules if isinstance(schedules, str) else json.dumps(schedules)
            monkeypatch.setenv("STREAMAGENTS_SCHEDULES", text)
        return create_app(
            "shop",
            agents={"order": Route(Scripted()), "raw": Anything()},
            fallback=Anything(),
            triggers=triggers,
            settings=load_settings(),
        )

    return build


async def test_a_schedule_of_the_settings_fires_its_event(build: Callable[..., StreamApp]) -> None:
    morning = {
        "cron": "0 9 * * mon-fri",
        "zone": "Europe/Berlin",
        "type": "order",
        "data": {"customer": "ada", "amount": 3},
        "catch_up": "last",
        "cap": 5,
    }
    app = build(schedules={"morning": morning})
    schedule = app.ticking["morning"]
    assert isinstance(schedule, Schedule)
    assert (schedule.catch_up, schedule.cap) == ("last", 5)
    assert str(schedule.cron) == "0 9 * * mon-fri Europe/Berlin"

    ctx = FakeContext()
    slot = schedule.slot(ctx.clock.now() + timedelta(days=1))
    assert slot is not None
    begun = {"last": (slot - timedelta(days=2)).isoformat(), "of": str(schedule.cron)}
    ctx = FakeContext(now=slot, state=begun)
    await schedule.run(Tick(name="morning", slot=slot), ctx)

    assert ctx.emitted == [Order(customer="ada", amount=3)]


async def test_schedules_of_code_and_of_settings_stand_side_by_side(
    build: Callable[..., StreamApp],
) -> None:
    coded = Schedule("coded", "0 9 * * *", event=Receipt)
    app = build(coded, schedules={"set": {"cron": "0 9 * * *", "type": "receipt"}})

    assert list(app.ticking) == ["coded", "set"]
    assert Receipt in app.registry.events.values()


async def test_what_a_schedule_did_is_told_to_whom_the_app_knows(
    build: Callable[..., StreamApp],
) -> None:
    class Told:
        def __init__(self) -> None:
            self.all: list[tuple[str, str]] = []

        def polled(self, monitor: str, outcome: str, at: datetime, **standing: object) -> None:
            raise AssertionError

        def fired(self, schedule: str, outcome: str, at: datetime) -> None:
            self.all.append((schedule, outcome))

    schedule = Schedule("coded", "0 9 * * *", event=Receipt)
    app = build(schedule)
    first, second = Told(), Told()
    app.polls.add(first)
    app.polls.add(second)
    slot = schedule.slot(FakeContext().clock.now())
    assert slot is not None
    ctx = FakeContext(now=slot, headers={"streamagents-replay-count": b"1"})
    await schedule.run(Tick(name="coded", slot=slot), ctx)

    assert first.all == second.all == [("coded", "fired")]


@pytest.mark.parametrize(
    ("schedules", "why"),
    [
        ("{", r"SCHEDULES: is no JSON object such as \{\"daily\""),
        ("[1]", "SCHEDULES"),
        ({"a": {"cron": "0 9 * * *"}}, "SCHEDULES at a.type: Field required"),
        ({"a": {"cron": "0 9 * * *", "type": "order", "tz": "UTC"}}, "SCHEDULES at a.tz"),
        ({"a": {"cron": "0 9 * * *", "type": "order", "catch_up": "x"}}, "'skip', 'last' or 'all'"),
        (
            {"a": {"cron": "0 9 * * *", "type": "gone"}},
            "application 'shop': .* 'gone', .* it has order",
        ),
        ({"a": {"cron": "0 9 * * *", "type": "raw"}}, "'raw', whose agent takes a dict"),
        ({"a": {"cron": "9", "type": "order"}}, r"Schedule\('a'\): .*has 1 fields"),
        ({"a": {"cron": "0 9 * * *", "type": "order", "zone": "X"}}, "no time zone 'X'"),
        ({"A": {"cron": "0 9 * * *", "type": "order"}}, "1 to 80 small letters"),
        (
            {"a": {"cron": "0 9 * * *", "type": "order", "data": {"amount": "secret"}}},
            "its data is no 'order': amount: Input should be a valid integer",
        ),
    ],
)
async def test_a_schedule_that_cannot_work_is_one_sentence_without_values(
    build: Callable[..., StreamApp], schedules: Any, why: str
) -> None:
    with pytest.raises(ConfigurationError, match=why) as told:
        build(schedules=schedules)

    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


async def test_a_name_of_the_settings_that_the_code_has_is_refused(
    build: Callable[..., StreamApp],
) -> None:
    with pytest.raises(ConfigurationError, match="called 'twice'"):
        build(
            Schedule("twice", "0 9 * * *", event=Receipt),
            schedules={"twice": {"cron": "0 9 * * *", "type": "order"}},
        )
