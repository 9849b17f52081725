"""The starter agents on a model that writes whatever the attacker dictates."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, ValidationError

from streamagents.actions import RecordUpsert, SlackMessage
from streamagents.actions.slack import payload
from streamagents.starter import events, prompts
from streamagents.starter.fallback import FallbackAgent
from streamagents.starter.monitoring import MENTIONS
from streamagents.starter.registry import EMITS, TABLES, build_agents
from streamagents.starter.review import REVIEWS, Team
from streamagents.starter.rules.competitor import CHANNELS
from streamagents.starter.site import Site
from streamagents.starter.stories import STORIES
from streamagents.testing import FakeContext, FakeModel
from support.injection import attempts, data_in, texts_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamagents.events import Event
    from streamagents.ports import Question

ATTEMPTS = attempts()
PINGS = "<!channel> <@U012AB3CD> <!here> @channel <https://evil.example|our bank> "
CHANNELS_OF_OURS = {REVIEWS, MENTIONS, "website", *CHANNELS.values()}
PROMPTS = {text for name, text in vars(prompts).items() if name.isupper()}
MODELS: dict[str, type[Event]] = {
    "new_lead": events.NewLead,
    "payment_failed": events.PaymentFailed,
    "mention": events.Mention,
    "form_submit": events.FormSubmit,
    "competitor_post": events.CompetitorPost,
    "broken_link": events.BrokenLink,
}
BASE = {story.type: story.data for story in reversed(STORIES) if not story.fails}
UNASKED = {"currency"}
"""One without a rule ends the event before a model is asked."""
HOPES = ("hot", "critical", "sales", "fraud", "high", 100)
"""What an attacker would have a model choose where it cannot write."""


def fields_of(type_: str) -> Iterator[str]:
    """Those into which a stranger can write a text."""
    for name in MODELS[type_].model_fields:
        event = {**BASE[type_], name: {"ignore": "x"} if name == "answers" else "ignore"}
        try:
            read = MODELS[type_].model_validate(event)
        except ValidationError:
            continue
        if "ignore" in str(getattr(read, name)) and name not in UNASKED:
            yield name


PLACES = [
    *((type_, field) for type_ in MODELS for field in fields_of(type_)),
    ("new_lead", "(site)"),
    ("anything", "(value)"),
    ("anything", "(name)"),
]


def dictated(text: str, *, wish: bool) -> FakeModel:
    """A model that says the attacker's text wherever its answer takes one, and yes or no."""

    def answer(question: Question) -> Any:
        assert question.rules is not None
        honest = question.rules()
        if not isinstance(honest, BaseModel):
            return text
        said = honest
        for name, old in honest.model_dump().items():
            for new in (*_instead(old, text), *HOPES, wish):
                try:
                    said = type(honest).model_validate({**said.model_dump(), name: new})
                except ValidationError:
                    continue
                break
        return said

    return FakeModel(answer)


def _instead(old: Any, text: str) -> list[Any]:
    mail = {"day": 0, "subject": text[:100], "text": text}
    short = text[:200]
    return [[mail], [short]] if isinstance(old, list) else [text, short]


async def meet(type_: str, field: str, text: str) -> tuple[FakeContext, FakeModel]:
    """Have the agent of a type handle an event with this text in this place."""

    async def fetch(url: str) -> Any:
        return SimpleNamespace(url="https://nordwind.example/", title=text, text=text)

    model = dictated(text, wish=len(text) % 2 == 0)
    ctx = FakeContext(model=model, type=type_)
    if type_ == "anything":
        event = {"id": "1", text: "x"} if field == "(name)" else {"note": text}
        await FallbackAgent(Team(slack=True)).run(event, ctx)
        return ctx, model
    data = dict(BASE[type_])
    if field == "answers":
        data[field] = {text: text, "team": text}
    else:
        data |= {"website": "nordwind.com"} if field == "(site)" else {field: text}
    site = Site(fetch if field == "(site)" else None)
    agent = build_agents(Team(slack=True), site)[type_]
    await agent.run(MODELS[type_].model_validate(data), ctx)
    return ctx, model


@pytest.mark.parametrize(("type_", "field"), PLACES, ids=str)
async def test_who_obeys_an_attacker_still_does_the_agents_work_alone(
    type_: str, field: str
) -> None:
    reached = 0
    first = PLACES.index((type_, field)) % 3
    for attempt in ATTEMPTS[first::3]:  # each text meets each agent
        text = f"{attempt.ref} {PINGS}{attempt.text}"  # in front: some places cut

        ctx, model = await meet(type_, field, text)

        reached += assert_prompts_are_intact(attempt.ref, model.questions)
        assert_effects_are_the_agents_own(ctx)
    # What the values of an unknown event are nobody has said yet: the model sees the names alone.
    assert reached == (0 if field == "(value)" else len(ATTEMPTS[first::3]))


def assert_prompts_are_intact(ref: str, questions: list[Question]) -> bool:
    """Whether the text reached the model, and as data."""
    reached = False
    for question in questions:
        assert question.system.endswith(prompts.WHO)
        assert ref not in question.system
        (prompt, *_) = question.messages[0]["content"]
        assert prompt["text"] in PROMPTS
        reached |= any(ref in text for text in texts_in(data_in(question, prompt["text"])))
    assert questions
    return reached


def assert_effects_are_the_agents_own(ctx: FakeContext) -> None:
    for action in ctx.acted:
        if isinstance(action, SlackMessage):
            assert action.channel in CHANNELS_OF_OURS
            assert_nothing_pings(payload(action))
        else:
            assert isinstance(action, RecordUpsert)
            assert (action.table, action.key) == (TABLES[0], BASE["new_lead"]["email"])
    assert {type(event) for event in ctx.emitted} <= {*EMITS, events.PaymentFollowUp}


def assert_nothing_pings(message: dict[str, Any]) -> None:
    for text in (message["text"], *marked_in(message["blocks"])):
        assert "<!" not in text
        assert "<@" not in text
        assert "<https://evil.example|" not in text
        assert "@channel" not in text


def marked_in(value: Any) -> Iterator[str]:
    """The texts in which Slack looks for marks; in a `plain_text` it finds none."""
    if isinstance(value, dict) and value.get("type") == "mrkdwn":
        yield value["text"]
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from marked_in(inner)


def test_every_agent_is_met() -> None:
    agents = build_agents(Team(), Site())
    silent = {"payment_succeeded", "payment_follow_up"}  # the one asks nothing, the other of a case

    assert set(agents) - silent == set(MODELS)
