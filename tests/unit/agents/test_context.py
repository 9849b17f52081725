"""What the context itself decides, whoever stands behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import structlog

from streamagents.agents import Context, EventInfo
from streamagents.agents.context import MAX_DELAY_S, IssuedId
from streamagents.errors import ConfigurationError
from streamagents.events import Event
from streamagents.testing import FakeClock, FakeContext

if TYPE_CHECKING:
    from streamagents.ports import Action


class Ping(Event, topic="ping"):
    """Has no fields."""


class NoRun:
    """Nothing may reach it."""

    def emit(self, event: Event, delay_s: float, id: str | None) -> str:  # noqa: A002 - as the protocol has it
        raise AssertionError

    def act(self, action: Action, name: str | None) -> str:
        raise AssertionError

    async def step(self, name: str, function: Any, arguments: Any) -> Any:
        raise AssertionError

    @property
    def state(self) -> Any:
        raise AssertionError

    def llm(self, ctx: Context) -> Any:
        raise AssertionError


async def test_an_issued_id_is_a_text_that_may_be_awaited() -> None:
    id_ = IssuedId("e-1/emit-1")

    assert id_ == "e-1/emit-1"
    assert await id_ == "e-1/emit-1"


@pytest.mark.parametrize(
    "delay", [-1, -0.001, MAX_DELAY_S + 1, float("nan"), float("inf"), True, "60", None]
)
def test_a_delay_that_is_none_is_refused_in_words(delay: Any) -> None:
    ctx = FakeContext()

    with pytest.raises(ValueError, match=r"delay_s=.*: a delay is between 0 and 31622400 seconds"):
        ctx.emit(Ping(), delay_s=delay)

    assert ctx.emitted == []


def test_a_step_asked_for_by_a_plain_function_is_refused_at_once() -> None:
    clock = FakeClock()
    event = EventInfo(id="1", type="t", source="", time=clock.now(), attempt=1, topic="t")
    ctx = Context(event, run=NoRun(), clock=clock, log=structlog.get_logger())

    with pytest.raises(ConfigurationError, match=r"ctx.step\('enrich', ...\) is awaited: .*async"):
        ctx.step("enrich", str)


async def test_a_step_asked_for_in_a_plain_step_is_refused_at_once() -> None:
    ctx = FakeContext()

    def outer() -> None:
        ctx.step("inner", str)

    with pytest.raises(ConfigurationError, match=r"ctx.step\('inner', ...\) is awaited"):
        await ctx.step("outer", outer)
