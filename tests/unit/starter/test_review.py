"""Asking a person."""

from __future__ import annotations

from streamagents.starter.events import ReviewNeeded
from streamagents.starter.review import ask_a_person
from streamagents.testing import FakeContext


def test_a_person_is_asked_in_the_log_and_by_an_event() -> None:
    ctx = FakeContext(event_id="e7", type="new_lead")
    ask_a_person(ctx, subject="ana@acme.io", reasons=("It is odd.",), draft="Hello,")
    assert ctx.emitted == [
        ReviewNeeded(
            subject="ana@acme.io", about="new_lead", reasons=["It is odd."], draft="Hello,"
        )
    ]
    (entry,) = ctx.logs
    assert (entry["action"], entry["event_id"]) == ("review_needed", "e7")
    assert (entry["reasons"], entry["draft"]) == (["It is odd."], "Hello,")
