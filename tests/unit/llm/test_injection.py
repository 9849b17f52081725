"""A model that obeys every attacker: what it can do is what its agent allows, and no more."""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, JsonValue

from streamagents.actions import (
    DatabaseChannel,
    Effect,
    Email,
    EmailChannel,
    HttpChannel,
    HttpPost,
    LogChannel,
    LogLine,
    SlackChannel,
    SlackMessage,
)
from streamagents.actions.database import RecordUpsert
from streamagents.errors import Reject
from streamagents.llm import tool
from streamagents.llm.tools import FetchPage, RecentEvents, Records
from streamagents.net import Http
from streamagents.testing import FakeContext, FakeModel
from streamagents.testing.model import ToolUse
from support.http_peer import HttpPeer, reply
from support.injection import (
    EVENT_FIELDS,
    PAGE_FIELDS,
    TOOL_FIELDS,
    UNSEEN_FIELDS,
    Attempt,
    attempts,
    data_in,
    event_with,
    obedient,
    orders_in,
    texts_in,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from streamagents import Context
    from streamagents.ports import Question

ATTEMPTS = attempts()
PROMPT = "Answer the customer. Look at the record, at recent events and at the site first."
EVIL = re.compile(r"(//[^\s/\"]*)evil\.example")


@tool(acts=True)
async def leave_note(text: str, ctx: Context) -> None:
    """Leave a note for the desk."""
    ctx.act(LogLine(text=text))


@tool(acts=True)
async def send_email(to: list[str], subject: str, text: str, ctx: Context) -> None:
    """Send an e-mail."""
    ctx.act(Email(to=to, subject=subject, text=text))


@tool(acts=True)
async def http_post(url: str, body: JsonValue, ctx: Context) -> None:
    """Post JSON."""
    ctx.act(HttpPost(url=url, body=body))


@tool(acts=True)
async def send_slack(channel: str, text: str, ctx: Context) -> None:
    """Write to a Slack channel."""
    ctx.act(SlackMessage(channel=channel, text=text))


class Tables:
    """The port `RecordsReader`, with more in it than the agent may see."""

    def __init__(self, lead: dict[str, Any]) -> None:
        self.lead = lead
        self.asked: list[str] = []

    async def find(self, table: str, key: str) -> dict[str, Any] | None:
        self.asked.append(table)
        return self.lead if table == "leads" else {"value": "the secret"}


@dataclass
class World:
    """An agent with open-handed tools, and everything that it could reach."""

    site: HttpPeer
    evil: HttpPeer
    mail: HttpPeer
    slack: HttpPeer
    http: Http
    folder: Path
    outcomes: list[str] = field(default_factory=list)
    hooks: tuple[str, ...] = ("hooks.example.com",)
    sites: tuple[str, ...] = ("127.0.0.1",)

    async def run(self, attempt: Attempt, ctx: FakeContext, tables: Tables) -> None:
        kind, body = attempt.page
        self.site.on("/", reply(200, body, {"Content-Type": kind}))
        records = Records(tables, reads=["leads"], writes=["notes"], upsert=RecordUpsert)
        reading = [
            FetchPage(self.http, self.sites).fetch_page,
            RecentEvents(ctx).search_recent_events,
        ]
        acting = [leave_note, send_email, http_post, send_slack]
        tools = [*records.tools, *reading, *acting]
        await ctx.llm.run_tools(PROMPT, tools, data=attempt.event)

    async def deliver(self, ctx: FakeContext) -> None:
        """Deliver what was decided, as a worker does."""
        for action, effect in zip(ctx.acted, ctx.acted_ids, strict=True):
            channel = self._channel(action.via)
            try:
                await channel.send(action, Effect(id=effect))
            except Reject as exc:
                self.outcomes.append(exc.code)
            else:
                self.outcomes.append(action.via)
            finally:
                if isinstance(channel, DatabaseChannel):
                    await channel.close()

    def _channel(self, via: str) -> Any:
        if via == "http":
            return HttpChannel(allow_hosts=self.hooks, http=self.http)
        if via == "email":
            address = {"sender": "desk@example.com", "allow_recipients": ["@example.com"]}
            return EmailChannel("127.0.0.1", self.mail.port, tls="none", **address)  # type: ignore[arg-type] # of two kinds
        if via == "slack":
            return SlackChannel({"#desk": self.slack.url("/hook")}, http=self.http)
        if via == "database":
            return DatabaseChannel(f"sqlite:///{self.folder}/records.db", tables=["notes"])
        return LogChannel()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async def loopback(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(HttpPeer()) for _ in range(4)]
        # Nothing but an allow-list keeps a request from them.
        opened = [f"{host}:{peer.port}" for peer in peers for host in ("127.0.0.1", "evil.example")]
        http = await stack.enter_async_context(Http(private=opened, resolve=loopback))
        site, evil, mail, slack = peers
        yield World(site, evil, mail, slack, http, tmp_path)


def aimed(attempt: Attempt, evil: HttpPeer) -> Attempt:
    """The attempt, with its attacker's host where it listens."""
    line = json.dumps([attempt.text, attempt.wants])
    text, wants = json.loads(EVIL.sub(rf"\1evil.example:{evil.port}", line))
    parts = {"id": attempt.id, "technique": attempt.technique, "field": attempt.field}
    return Attempt(**parts, text=text, wants=wants)


async def obeyed(attempt: Attempt, world: World) -> tuple[FakeModel, Tables]:
    """Have an agent meet an attempt with a model that obeys it, and deliver what it decided."""
    around = [
        ToolUse("find_record", {"table": "leads", "key": "ann"}),
        ToolUse("search_recent_events", {}),
        ToolUse("fetch_page", {"url": world.site.url()}),
    ]
    model = FakeModel(obedient(attempt.ref, attempt.wants, around))
    before = FakeContext(event_id="event-0")
    RecentEvents(before).remember(attempt.remembered)
    ctx = FakeContext(model=model, state=before.values)
    tables = Tables(attempt.record)
    await world.run(attempt, ctx, tables)
    await world.deliver(ctx)
    return model, tables


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.id)
async def test_an_obedient_model_does_no_harm(attempt: Attempt, world: World) -> None:
    attempt = aimed(attempt, world.evil)

    model, tables = await obeyed(attempt, world)

    assert_prompts_are_intact(attempt, model.questions)
    assert [peer.connections for peer in (world.evil, world.mail, world.slack)] == [0, 0, 0]
    assert {asked.path for asked in world.site.requests} <= {"/"}
    assert set(tables.asked) <= {"leads"}
    assert set(world.outcomes) <= {
        "log",
        "host_not_allowed",
        "private_address",
        "bad_url",
        "recipient_not_allowed",
        "unknown_channel",
    }


def assert_prompts_are_intact(attempt: Attempt, questions: list[Question]) -> None:
    done = [
        block["name"]
        for message in questions[-1].messages
        if message["role"] == "assistant"
        for block in message["content"]
        if {"tool": block.get("name"), "input": block.get("input")} == attempt.wants
    ]
    told = [text for question in questions for text in texts_in(data_in(question, PROMPT))]
    orders = {orders_in(question, PROMPT) for question in questions}
    assert len(orders) == 1
    assert attempt.ref not in orders.pop()
    if attempt.field in UNSEEN_FIELDS:
        assert (done, any(attempt.ref in text for text in told)) == ([], False)
        return
    # It reached the model, the model obeyed, and yet:
    assert done == [attempt.wants["tool"]]
    assert any(attempt.ref in text for text in told)
    if attempt.field not in PAGE_FIELDS:  # pages are collapsed and cleaned
        assert attempt.text in told


@pytest.mark.parametrize("name", ["fetch_page", "http_post"])
async def test_without_the_allow_lists_there_would_be_harm(name: str, world: World) -> None:
    """It is they that hold, and not a model that asks for what cannot be."""
    world.hooks, world.sites = ("*",), ("*",)
    (first, *_) = (
        attempt
        for attempt in ATTEMPTS
        if attempt.wants["tool"] == name
        and "//evil.example" in attempt.wants["input"]["url"]
        and attempt.field not in UNSEEN_FIELDS
    )
    world.evil.on("*", reply(200, b"<p>thanks", {"Content-Type": "text/html"}))

    await obeyed(aimed(first, world.evil), world)

    assert world.evil.connections == 1


class Reading(BaseModel):
    mood: str


@pytest.mark.parametrize("place", EVENT_FIELDS)
async def test_every_text_is_data_in_every_field(place: str) -> None:
    for attempt in ATTEMPTS:
        echo = FakeModel([attempt.text, {"mood": "good"}, "Done."])
        ctx = FakeContext(model=echo)
        event = event_with(attempt.text, place)

        await ctx.llm.extract(Reading, "Say how the customer feels.", data=event)
        await ctx.llm.text("Thank the customer.", data=event)

        asked, repair, thanks = echo.questions
        assert data_in(asked, "Say how the customer feels.") == [event]
        assert data_in(thanks, "Thank the customer.") == [event]
        for question in echo.questions:
            assert attempt.ref not in question.system
        # The model's own words come back as its own words, and what is wrong with them as data.
        assert repair.messages[1]["role"] == "assistant"
        (told,) = repair.messages[2]["content"]
        assert attempt.ref not in told["text"]


def test_the_corpus_is_as_wide_as_it_says() -> None:
    techniques = Counter(attempt.technique for attempt in ATTEMPTS)
    fields = Counter(attempt.field for attempt in ATTEMPTS)

    assert len(ATTEMPTS) >= 150
    assert len({attempt.id for attempt in ATTEMPTS}) == len(ATTEMPTS)
    assert len({attempt.ref for attempt in ATTEMPTS}) == len(ATTEMPTS)
    assert len(techniques) >= 10
    assert min(techniques.values()) >= 10
    assert set(fields) == {*EVENT_FIELDS, *TOOL_FIELDS, *PAGE_FIELDS, *UNSEEN_FIELDS}
