"""The fallback agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from streamagents.starter.events import UnknownEventSeen
from streamagents.starter.fallback import FallbackAgent, describe
from streamagents.testing import FakeContext

if TYPE_CHECKING:
    from streamagents.events import Event


async def emitted(event: dict[str, Any], *, type_: str) -> list[Event]:
    """What the agent emits when it handles this event."""
    ctx = FakeContext(type=type_)
    await FallbackAgent().run(event, ctx)
    return ctx.emitted


async def test_an_unknown_event_leaves_its_type_and_the_names_of_its_fields() -> None:
    event = {"order_no": "A-1", "card": "4242 4242"}
    (seen,) = await emitted(event, type_="refund_requested")
    assert isinstance(seen, UnknownEventSeen)
    assert (seen.type, seen.fields, seen.field_count) == (
        "refund_requested", ["card", "order_no"], 2,
    )  # fmt: skip
    assert seen.size_bytes == len('{"order_no":"A-1","card":"4242 4242"}')
    assert seen.event_key() == b"refund_requested"
    assert "4242" not in seen.model_dump_json()


@pytest.mark.parametrize("other", [{"a": 2, "b": 1}, {"c": 1}, {"a": 12}, {}])
async def test_two_unknown_events_that_differ_give_different_results(other: dict[str, Any]) -> None:
    first = await emitted({"a": 1}, type_="x")
    assert first != await emitted(other, type_="x")
    assert first != await emitted({"a": 1}, type_="y")


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"": None},
        {"\x00\n": "🙂"},
        {f"field{n}": n for n in range(5000)},
        {"x" * 10_000: float("nan")},
        {"text": "y" * 1_000_000},
    ],
)
def test_whatever_comes_is_described_within_bounds(event: dict[str, Any]) -> None:
    seen = describe(event, type_="t" * 9000, topic="streamagents.inbox", source="")
    assert seen.field_count == len(event)
    assert len(seen.model_dump_json()) < 10_000
