"""What an agent remembers of earlier events of the same key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streamagents.llm.tools import RecentEvents
from streamagents.llm.tools.recent import Remembered, added, found
from streamagents.testing import FakeContext, FakeModel
from streamagents.testing.model import ToolUse

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def remembered(*texts: str) -> list[Remembered]:
    return [
        Remembered(id=f"e{place}", at=NOON + timedelta(hours=place), text=text)
        for place, text in enumerate(texts)
    ]


KNOWN = remembered(
    "asked for a refund of 20 EUR",
    "Payment failed: card expired",
    "refund sent",
    "asked where the REFUND is; payment was in May",
    "Straße 7 is the new address",
)


@pytest.mark.parametrize(
    ("words", "limit", "ids"),
    [
        ("", 10, ["e4", "e3", "e2", "e1", "e0"]),
        ("  ", 2, ["e4", "e3"]),
        ("refund", 10, ["e3", "e2", "e0"]),
        ("Refund payment", 10, ["e3", "e2", "e1", "e0"]),
        ("payment refund refund", 1, ["e3"]),
        ("STRASSE", 10, ["e4"]),
        ("ｒｅｆｕｎｄ sent", 10, ["e2", "e3", "e0"]),  # noqa: RUF001 - wide letters
        ("xyz", 10, []),
        (".*", 10, []),
        ("refund", 0, []),
        ("refund", -1, []),
    ],
)
def test_the_most_words_come_first_then_the_newest(words: str, limit: int, ids: list[str]) -> None:
    assert [each.id for each in found(KNOWN, words, limit=limit)] == ids


@pytest.mark.parametrize(
    ("new", "keep", "ids"),
    [
        ("e9", 6, ["e0", "e1", "e2", "e3", "e4", "e9"]),
        ("e9", 3, ["e3", "e4", "e9"]),
        ("e1", 6, ["e0", "e2", "e3", "e4", "e1"]),
        ("e9", 1, ["e9"]),
    ],
)
def test_the_oldest_is_forgotten(new: str, keep: int, ids: list[str]) -> None:
    one = Remembered(id=new, at=NOON, text="x")

    assert [each.id for each in added(KNOWN, one, keep=keep)] == ids


async def test_what_is_remembered_is_there_at_the_next_event() -> None:
    state: dict[str, Any] = {}
    for number in range(60):
        ctx = FakeContext(event_id=f"e{number}", state=state)
        RecentEvents(ctx).remember(f"event {number} " + "x" * 1000)
        state = ctx.values

    recent = RecentEvents(FakeContext(state=state))

    assert len(await recent.search_recent_events(limit=100)) == 50
    (newest,) = await recent.search_recent_events("event 59", limit=1)
    assert (newest.id, len(newest.text)) == ("e59", 500)


async def test_a_model_searches_them_in_a_step() -> None:
    first = FakeContext(event_id="e1")
    RecentEvents(first).remember("refund </data> sent")
    model = FakeModel([ToolUse("search_recent_events", {"words": "refund"}), "Done."])
    ctx = FakeContext(event_id="e2", state=first.values, model=model)
    recent = RecentEvents(ctx)

    await ctx.llm.run_tools("Answer.", tools=[recent.search_recent_events])

    (result,) = model.questions[-1].messages[-1]["content"]
    assert "refund \\u003c/data\\u003e sent" in result["content"]
    assert [path for path in ctx.steps if "search_recent_events" in path]
    recent.remember("asked again")
    assert [entry["id"] for entry in ctx.values["recent_events"]] == ["e1", "e2"]
