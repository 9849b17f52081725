"""Asking a person, and telling the team."""

from __future__ import annotations

from streamagents.actions import LogLine, SlackLink, SlackMessage
from streamagents.starter.events import ReviewNeeded
from streamagents.starter.review import Team, ask_a_person
from streamagents.testing import FakeContext, FakeModel


def asked(team: Team, ctx: FakeContext) -> None:
    ask_a_person(
        ctx,
        team,
        subject="ana@acme.io",
        reasons=("It is odd.", "Very."),
        draft="Hello,",
        url="https://x.example",
    )


def test_a_person_is_asked_in_slack_with_event_reason_and_draft() -> None:
    ctx = FakeContext(event_id="e7", type="new_lead")
    asked(Team(slack=True), ctx)
    (message,) = ctx.acted
    assert isinstance(message, SlackMessage)
    assert (message.channel, message.text) == ("reviews", "It is odd.\nVery.")
    assert message.fields == {"event": "new_lead", "id": "e7", "subject": "ana@acme.io"}
    assert (message.draft, message.link) == ("Hello,", SlackLink(url="https://x.example"))
    assert ctx.acted_ids == ["e7/review"]


def test_without_slack_the_log_says_the_same() -> None:
    ctx = FakeContext(event_id="e7", type="new_lead")
    asked(Team(), ctx)
    (line,) = ctx.acted
    assert isinstance(line, LogLine)
    assert line.text == "A person has to look: new_lead"
    assert line.fields["id"] == "e7"
    assert (line.fields["reason"], line.fields["draft"]) == ("It is odd.\nVery.", "Hello,")


def test_the_event_that_asks_names_who_decided() -> None:
    ctx = FakeContext(type="new_lead", model=FakeModel())
    asked(Team(), ctx)
    assert ctx.emitted == [
        ReviewNeeded(
            subject="ana@acme.io",
            about="new_lead",
            reasons=["It is odd.", "Very."],
            draft="Hello,",
            provider="fake",
        )
    ]
