"""The fallback agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from streamagents.starter.events import ReviewNeeded, UnknownEventSeen
from streamagents.starter.fallback import FallbackAgent
from streamagents.testing import FakeContext, FakeModel

if TYPE_CHECKING:
    from streamagents.events import Event


async def emitted(event: dict[str, Any], *, type_: str) -> list[Event]:
    """What the agent emits when it handles this event."""
    ctx = FakeContext(type=type_)
    await FallbackAgent().run(event, ctx)
    return ctx.emitted


async def test_an_unknown_event_leaves_its_type_and_the_names_of_its_fields() -> None:
    event = {"order_no": "A-1", "card": "4242 4242"}
    seen, review = await emitted(event, type_="refund_requested")
    assert isinstance(seen, UnknownEventSeen)
    assert (seen.type, seen.fields, seen.field_count) == (
        "refund_requested", ["card", "order_no"], 2,
    )  # fmt: skip
    assert seen.size_bytes == len('{"order_no":"A-1","card":"4242 4242"}')
    assert seen.event_key() == b"refund_requested"
    assert isinstance(review, ReviewNeeded)
    assert review.reasons == [seen.summary]
    assert "4242" not in seen.model_dump_json() + review.model_dump_json()


@pytest.mark.parametrize("other", [{"a": 2, "b": 1}, {"c": 1}, {"a": 12}, {}])
async def test_two_unknown_events_that_differ_give_different_results(other: dict[str, Any]) -> None:
    first = await emitted({"a": 1}, type_="x")
    assert first != await emitted(other, type_="x")
    assert first != await emitted({"a": 1}, type_="y")


async def test_a_sign_of_life_is_told_and_nobody_is_asked() -> None:
    (seen,) = await emitted({}, type_="ping")
    assert isinstance(seen, UnknownEventSeen)
    assert seen.provider == "rules"


async def test_an_event_under_another_name_is_recognised() -> None:
    fields = {"email": "a@b.io", "company": "B", "message": "hi"}
    seen, _ = await emitted(fields, type_="lead.created")
    assert isinstance(seen, UnknownEventSeen)
    assert seen.looks_like == "new_lead"
    assert "new_lead" in seen.summary


async def test_a_model_sees_names_and_no_values() -> None:
    view = {"summary": "A refund.", "looks_like": None, "noise": False}
    model = FakeModel([view])
    ctx = FakeContext(type="refund", model=model)
    await FallbackAgent().run({"iban": "AT61 1904", "</data>": 1}, ctx)
    asked = str(model.questions[0].messages)
    assert "iban" in asked
    assert "1904" not in asked
    assert asked.count("</data>") == 1
    seen, review = ctx.emitted
    assert isinstance(seen, UnknownEventSeen)
    assert (seen.summary, seen.provider) == ("A refund.", "fake")
    assert isinstance(review, ReviewNeeded)
