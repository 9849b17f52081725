"""The monitoring agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from streamagents.actions import LogLine, SlackLink, SlackMessage
from streamagents.errors import ModelError
from streamagents.starter.events import Mention, MentionClassified, ReviewNeeded
from streamagents.starter.monitoring import MonitoringAgent
from streamagents.starter.review import Team
from streamagents.testing import FakeContext, FakeModel

if TYPE_CHECKING:
    from streamagents.events import Event


SLACK = MonitoringAgent(Team(slack=True))
VIEW = {
    "sentiment": "negative", "angry": False, "urgency": "low", "language": "en",
    "reasons": ["It complains."], "draft": "Sorry!",
}  # fmt: skip


def mention(text: str = "good", **fields: Any) -> Mention:
    return Mention(text=text, author="@ana", **fields)


async def emitted(event: Mention) -> list[Event]:
    """What the agent emits when it handles this event."""
    ctx = FakeContext(type="mention")
    await MonitoringAgent().run(event, ctx)
    return ctx.emitted


@pytest.mark.parametrize(
    ("text", "followers"), [("This is a scam!", 10), ("Our lawyer will write", 10)]
)
async def test_anger_and_urgency_go_to_a_person(text: str, followers: int) -> None:
    judged, review = await emitted(mention(text, followers=followers))
    assert isinstance(judged, MentionClassified)
    assert isinstance(review, ReviewNeeded)
    assert judged.decision == "ask_a_person"
    assert review.reasons == judged.reasons
    assert (review.subject, review.about) == ("@ana", "mention")


async def test_praise_with_reach_is_answered_without_a_person() -> None:
    (judged,) = await emitted(mention("Love it!", followers="1 Mio"))
    assert isinstance(judged, MentionClassified)
    assert (judged.decision, judged.urgency, judged.provider) == ("reply", "high", "rules")
    assert judged.draft


@pytest.mark.parametrize("changed", [{"text": "not good"}, {"followers": 5000}])
async def test_two_mentions_that_differ_in_one_field_get_different_results(
    changed: dict[str, Any],
) -> None:
    assert await emitted(mention()) != await emitted(mention(**changed))


async def test_blame_reaches_the_team_with_a_draft_and_the_url() -> None:
    ctx = FakeContext(type="mention")
    await SLACK.run(mention("It is slow.", url="https://x.example/1", platform="x"), ctx)
    (told,) = ctx.acted
    assert isinstance(told, SlackMessage)
    assert (told.channel, told.text) == ("mentions", "It is slow.")
    assert told.link == SlackLink(url="https://x.example/1")
    assert told.draft.startswith("Thank you for telling us")
    assert len(ctx.emitted) == 1


@pytest.mark.parametrize("text", ["Love it!", "version 4 is out", "great but slow", ""])
async def test_others_are_only_counted(text: str) -> None:
    ctx = FakeContext(type="mention")
    await SLACK.run(mention(text), ctx)
    assert ctx.acted == []
    assert list(ctx.values.values()) == [1]


async def test_a_person_is_told_once_and_not_twice() -> None:
    ctx = FakeContext(type="mention")
    await SLACK.run(mention("This is a scam!", url="https://x.example/2"), ctx)
    (told,) = ctx.acted
    assert isinstance(told, SlackMessage)
    assert told.channel == "reviews"
    assert told.link == SlackLink(url="https://x.example/2")
    assert (told.fields["id"], told.fields["event"]) == ("event-1", "mention")


async def test_the_mentions_of_one_author_are_counted_by_how_they_sound() -> None:
    values: dict[str, Any] = {}
    seen = []
    for text in ("bad", "good", "so bad", "bad"):
        ctx = FakeContext(type="mention", state=values)
        await MonitoringAgent().run(mention(text), ctx)
        (judged,) = ctx.emitted
        assert isinstance(judged, MentionClassified)
        seen.append(judged.seen)
        values = ctx.values
    assert seen == [1, 1, 2, 3]
    assert values == {"negative": 3, "positive": 1}


async def test_a_mention_of_nobody_is_judged_though_it_has_no_key() -> None:
    ctx = FakeContext(type="mention", key=None)
    await MonitoringAgent().run(Mention(text="bad", author="  "), ctx)
    (judged,) = ctx.emitted
    assert judged.event_key() is None
    (told,) = ctx.acted
    assert isinstance(told, LogLine)
    assert told.text == "somebody is not happy with us"


async def test_a_models_view_is_taken_and_named() -> None:
    ctx = FakeContext(model=FakeModel([VIEW]))
    await SLACK.run(mention("Well, that went great, did it not?"), ctx)
    (judged,) = ctx.emitted
    assert isinstance(judged, MentionClassified)
    assert (judged.sentiment, judged.provider, judged.draft) == ("negative", "fake", "Sorry!")
    (told,) = ctx.acted
    assert isinstance(told, SlackMessage)
    assert told.draft == "Sorry!"


async def test_nonsense_twice_is_a_failure_that_leaves_nothing() -> None:
    ctx = FakeContext(model=FakeModel([VIEW | {"sentiment": "purple"}, "[]"]))
    with pytest.raises(ModelError, match="MentionView"):
        await SLACK.run(mention(), ctx)
    assert (ctx.emitted, ctx.acted, ctx.values) == ([], [], {})


async def test_a_megabyte_is_cut_before_a_model_reads_it() -> None:
    model = FakeModel([VIEW])
    ctx = FakeContext(model=model)
    await SLACK.run(mention("so bad " * 200_000), ctx)
    assert len(str(model.questions[0].messages)) < 60_000
    assert len(ctx.acted[0].model_dump_json()) < 10_000
