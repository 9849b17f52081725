"""An agent's test without Kafka."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from streamagents import Context, Event
from streamagents.errors import EventTooLargeError
from streamagents.testing import FakeContext


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
