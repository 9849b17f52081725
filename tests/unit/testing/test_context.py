"""An agent's test without Kafka."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from pydantic import BaseModel, Field

from streamagents import Context, Event
from streamagents.actions import LogLine
from streamagents.errors import ConfigurationError, EventTooLargeError
from streamagents.testing import FakeContext, Note


class Paid(Event, topic="paid", key="customer"):
    customer: str
    amount: float


class ReceiptAsked(Event, topic="receipt_asked"):
    id: str | None = None
    customer: str


class Thanks:
    async def run(self, paid: Paid, ctx: Context) -> None:
        ctx.emit(ReceiptAsked(customer=paid.customer))
        await ctx.emit(ReceiptAsked(customer=paid.customer, id="r-1"))
        ctx.emit(ReceiptAsked(customer=paid.customer))
        ctx.log.info("thanked", customer=paid.customer, attempt=ctx.event.attempt)


async def test_what_an_agent_emits_and_logs_is_there_to_be_looked_at() -> None:
    ctx = FakeContext(event_id="e-1", attempt=2)

    await Thanks().run(Paid(customer="c-1", amount=9.5), ctx)

    assert ctx.emitted == [
        ReceiptAsked(customer="c-1"),
        ReceiptAsked(customer="c-1", id="r-1"),
        ReceiptAsked(customer="c-1"),
    ]
    assert ctx.emitted_ids == ["e-1/emit-1", "r-1", "e-1/emit-2"]
    assert ctx.logs == [{"event": "thanked", "log_level": "info", "customer": "c-1", "attempt": 2}]


def test_a_fake_context_is_a_context_that_needs_nothing() -> None:
    ctx = FakeContext()

    assert isinstance(ctx, Context)
    assert (ctx.event.id, ctx.event.attempt, ctx.event.headers) == ("event-1", 1, {})


def test_time_is_what_the_test_says() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    ctx = FakeContext(now=noon)

    ctx.clock.advance(60)

    assert (ctx.event.time, ctx.now()) == (noon, noon + timedelta(minutes=1))


def test_the_event_is_described_as_the_test_says() -> None:
    ctx = FakeContext(headers={"ce_id": b"7"}, type="paid", source="shop", key="c-1")

    assert ctx.event.headers == {"ce_id": b"7"}
    assert (ctx.event.type, ctx.event.source, ctx.event.key) == ("paid", "shop", "c-1")


def test_a_log_may_be_bound() -> None:
    ctx = FakeContext()

    ctx.log.bind(step="score").warning("odd")

    assert ctx.logs == [{"event": "odd", "log_level": "warning", "step": "score"}]


def test_only_events_that_fit_can_be_emitted() -> None:
    ctx = FakeContext()

    with pytest.raises(TypeError, match=r"emit\(\) takes an Event, got dict"):
        ctx.emit(cast("Any", {"customer": "c-1"}))
    with pytest.raises(EventTooLargeError, match="emit a reference to the data instead"):
        ctx.emit(ReceiptAsked(customer="x" * (7 << 20)))

    assert ctx.emitted == []


class Profile(BaseModel):
    employees: int = Field(alias="staff")


class LeadAgent:
    """Uses all that a context offers."""

    def __init__(self) -> None:
        self.asked = 0

    async def enrich(self, email: str) -> Profile:
        self.asked += 1
        return Profile(staff=len(email))

    async def run(self, paid: Paid, ctx: Context) -> None:
        profile = await ctx.step("enrich", self.enrich, paid.customer)
        seen = ctx.state.get("seen", 0)
        ctx.state.set("seen", seen + 1)
        ctx.state.delete("old")
        ctx.emit(ReceiptAsked(customer=paid.customer), delay_s=3600)
        ctx.act(Note(text=f"{profile.employees} people"), name="note")
        await ctx.act(LogLine(text="seen"))


async def test_all_that_an_agent_leaves_is_there_to_be_looked_at() -> None:
    ctx = FakeContext(event_id="e-1", state={"seen": 3, "old": True})

    await LeadAgent().run(Paid(customer="c-1", amount=1), ctx)

    follow_up = ReceiptAsked(customer="c-1")
    assert (ctx.emitted, ctx.emitted_ids) == ([follow_up], ["e-1/emit-1"])
    assert ctx.delayed == [(follow_up, 3600)]
    assert ctx.acted == [Note(text="3 people"), LogLine(text="seen")]
    assert ctx.acted_ids == ["e-1/note", "e-1/act-1"]
    assert ctx.values == {"seen": 4}
    assert ctx.steps == {"enrich": {"employees": 3}}
    assert ctx.steps_rerun == {}


@pytest.mark.parametrize("result", [{"employees": 40}, Profile(staff=40)])
async def test_a_step_that_the_test_knows_the_result_of_is_not_called(result: Any) -> None:
    agent, ctx = LeadAgent(), FakeContext(steps={"enrich": result})

    await agent.run(Paid(customer="c-1", amount=1), ctx)

    assert (agent.asked, ctx.acted[0]) == (0, Note(text="40 people"))


async def test_a_result_that_the_function_could_not_return_is_not_taken() -> None:
    agent, ctx = LeadAgent(), FakeContext(steps={"enrich": {"staff": 40}})

    await agent.run(Paid(customer="c-1", amount=1), ctx)

    assert (agent.asked, ctx.steps_rerun) == (1, {"enrich": "invalid"})


async def test_a_second_attempt_has_the_steps_of_the_first() -> None:
    agent, first = LeadAgent(), FakeContext()
    await agent.run(Paid(customer="c-1", amount=1), first)

    second = FakeContext(steps=first.steps, attempt=2, interrupted=True)
    await agent.run(Paid(customer="c-1", amount=1), second)

    assert agent.asked == 1
    assert (second.event.attempt, second.event.interrupted) == (2, True)
    assert (second.acted, second.acted_ids) == (first.acted, first.acted_ids)


def test_what_a_test_gives_is_not_changed() -> None:
    given = {"tags": ["a"]}
    ctx = FakeContext(state=given)

    ctx.state.set("tags", [*ctx.state.get("tags"), "b"])
    ctx.values["tags"].append("c")

    assert given == {"tags": ["a"]}
    assert ctx.values == {"tags": ["a", "b"]}


def test_an_event_without_a_key_has_no_state() -> None:
    ctx = FakeContext(key=None)

    with pytest.raises(ConfigurationError, match=r"ctx\.state belongs to an event's key"):
        ctx.state.get("seen")


def test_what_was_refused_is_not_kept() -> None:
    ctx = FakeContext(event_id="e-1")

    with pytest.raises(EventTooLargeError, match="The emitted Note takes 6295563 bytes"):
        ctx.act(Note(text="x" * (6 << 20)), name="note")
    with pytest.raises(TypeError, match=r"act\(\) takes an Action, got dict"):
        ctx.act(cast("Any", {"text": "x"}))
    ctx.act(Note(text="x"), name="note")
    ctx.act(Note(text="y"))

    assert ctx.acted_ids == ["e-1/note", "e-1/act-1"]
