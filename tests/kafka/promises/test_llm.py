"""Promise 7, with a model: what it answered once it is not asked again, and is not paid for."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from support import wait_until
from support.messages_api import Asked, MessagesApi, Reply, message
from support.workers import Fleet, header, job

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

TALKS = "support.talks_app"
QUESTIONS = 4
"""That each talk asks."""


def reply(asked: Asked) -> Reply:
    """Answers by what is asked, after a while."""
    messages = asked.body["messages"]
    body = message("ok")
    if "output_config" in asked.body:
        body = message('{"score": 7}')
    elif "tools" in asked.body and len(messages) == 1:
        use = {"type": "tool_use", "id": "toolu_1", "name": "tell", "input": {"text": "hi"}}
        body = message(content=[use], stop_reason="tool_use")
    return Reply(body=body, after_s=0.03)


@pytest.fixture
def api() -> Iterator[MessagesApi]:
    with MessagesApi(reply) as api:
        yield api


@pytest.fixture
async def talks(broker: EmbeddedBroker, tmp_path: Path, api: MessagesApi) -> AsyncIterator[Fleet]:
    """An application on a stub of the model's provider; no worker runs yet."""
    async with Fleet(
        broker.address,
        tmp_path,
        module=TALKS,
        ANTHROPIC_API_KEY="sk-ant-secret",
        ANTHROPIC_BASE_URL=api.url,
    ) as fleet:
        yield fleet


def asked(api: MessagesApi) -> Counter[tuple[Any, ...]]:
    """How often each question came in: by its data, what was asked, and how far it had got."""

    def identity(one: Asked) -> tuple[Any, ...]:
        prompt, data = (block["text"] for block in one.body["messages"][0]["content"])
        return data, prompt, len(one.body["messages"])

    return Counter(map(identity, api.asked))


async def said(fleet: Fleet) -> Counter[int]:
    done = [json.loads(record.value or b"") for record in await fleet.read("talk_done")]
    assert all(event["said"] == ["ok", "7", "ok"] for event in done)
    return Counter(event["n"] for event in done)


async def send(fleet: Fleet, numbers: range, **fields: str) -> None:
    await fleet.send("talk", [job(n, f"k{n % 50}", **fields) for n in numbers])


async def told(fleet: Fleet) -> Counter[str]:
    """The effects that were decided, by id."""
    return Counter(header(record, "ce_id") for record in await fleet.read("streamagents.actions"))


async def test_a_kill_asks_again_only_what_was_being_asked(talks: Fleet, api: MessagesApi) -> None:
    worker = talks.start()
    await send(talks, range(400))
    wait_until(lambda: len(talks.lines("end")) > 50, 60)
    talks.kill(worker)
    before = len(api.asked)
    durable = sum(key.startswith(b"s\0") for key in await talks.state())

    talks.start()
    await talks.settled(120)

    questions = asked(api)
    assert await said(talks) == Counter(range(400))
    assert len(questions) == 400 * QUESTIONS
    # Whatever the dead worker asked without an answer that was durable.
    assert sum(questions.values()) - len(questions) <= before - durable
    assert max(questions.values()) <= 2
    assert await told(talks) == Counter(f"{n}/act-1" for n in range(400))


async def test_a_rebalance_asks_nothing_again(talks: Fleet, api: MessagesApi) -> None:
    talks.start()
    await send(talks, range(400))
    wait_until(lambda: len(talks.lines("end")) > 20, 60)
    second = talks.start(ready=False)
    await talks.settled(120)
    await send(talks, range(400, 500))
    await talks.settled(120)

    assert await said(talks) == Counter(range(500))
    assert set(asked(api).values()) == {1}
    assert len(api.asked) == 500 * QUESTIONS
    assert str(second.pid) in {pid for *_, pid in talks.lines("end")}


async def test_a_failing_agent_asks_nothing_again_also_as_a_replayed_letter(
    talks: Fleet, api: MessagesApi
) -> None:
    talks.start()
    await send(talks, range(10), what="fail once")
    await send(talks, range(10, 20), what="fail late")
    await send(talks, range(20, 21), what="fail")
    await talks.settled()
    (letter,) = await talks.letters("talk")
    await talks.replay(letter)
    await talks.settled()

    assert await said(talks) == Counter(range(20))
    assert set(asked(api).values()) == {1}
    assert len(api.asked) == 21 * QUESTIONS
    assert len(await talks.letters("talk")) == 2
    log = talks.log.read_text()
    assert "llm_provider" in log
    assert "sk-ant-secret" not in log
