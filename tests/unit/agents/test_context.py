"""The id that `emit` returns."""

from __future__ import annotations

from streamagents.agents.context import EmittedId


async def test_an_emitted_id_is_a_text_that_may_be_awaited() -> None:
    id_ = EmittedId("e-1/emit-1")

    assert id_ == "e-1/emit-1"
    assert await id_ == "e-1/emit-1"
