"""Promise 7, with a model: what it answered once it is not asked again, and is not paid for."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from support import wait_until
from support.messages_api import Asked, MessagesApi, Reply, fails, message
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


BUSY = [
    fails(500),
    Reply(close=True),
    Reply(body=message("x" * 500), cut_after=80),
    fails(429, "rate_limit_error", headers={"retry-after": "1"}),
    fails(529, "overloaded_error", headers={"retry-after": "1"}),
]
"""What is over at the second try, and counts no attempt."""
BROKEN = [
    Reply(body='{"id": "msg'),
    Reply(body="<html>"),
    Reply(body={"type": "error", "error": {"type": "api_error", "message": "x"}}),
]
"""What costs an attempt: in one question of a talk only, for it has three of them."""


class Moody:
    """Misbehaves at every tenth question, and answers it at the second time."""

    def __init__(self) -> None:
        self.answered: Counter[tuple[Any, ...]] = Counter()
        self._asked: set[tuple[Any, ...]] = set()

    def __call__(self, one: Asked) -> Reply:
        """Answer or not."""
        question = identity(one)
        number = len(self._asked)
        if question not in self._asked:
            self._asked.add(question)
            if number % 10 == 0:
                ways = BUSY + BROKEN if "Say something." in question else BUSY
                return ways[number // 10 % len(ways)]
        self.answered[question] += 1
        return reply(one)


@pytest.fixture
def api() -> Iterator[MessagesApi]:
    with MessagesApi(reply) as api:
        yield api


@pytest.fixture
def moody() -> Moody:
    return Moody()


@pytest.fixture
async def moody_talks(broker: EmbeddedBroker, tmp_path: Path, moody: Moody) -> AsyncIterator[Fleet]:
    """The same on a stub that misbehaves."""
    with MessagesApi(moody) as api:
        async with Fleet(
            broker.address,
            tmp_path,
            module=TALKS,
            ANTHROPIC_API_KEY="sk-ant-secret",
            ANTHROPIC_BASE_URL=api.url,
        ) as fleet:
            yield fleet


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


def identity(one: Asked) -> tuple[Any, ...]:
    """A question: its data, what was asked, and how far it had got."""
    prompt, data = (block["text"] for block in one.body["messages"][0]["content"])
    return data, prompt, len(one.body["messages"])


def asked(api: MessagesApi) -> Counter[tuple[Any, ...]]:
    """How often each question came in."""
    return Counter(map(identity, api.asked))


async def said(fleet: Fleet) -> Counter[int]:
    done = [json.loads(record.value or b"") for record in await fleet.read("talk_done")]
    assert all(event["said"] == ["ok", "7", "ok"] for event in done)
    return Counter(event["n"] for event in done)


async def send(fleet: Fleet, numbers: range, **fields: str) -> None:
    await fleet.send("talk", [job(n, f"k{n % 50}", **fields) for n in numbers])


def takes_in(fleet: Fleet, pid: int) -> bool:
    """Whether a worker has got partitions, and their state."""
    lines = fleet.log.read_text().splitlines()
    return any(f"[{pid}]" in line and "intake_begins" in line for line in lines)


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


@pytest.mark.long
async def test_a_model_that_misbehaves_is_paid_for_once_by_workers_that_are_killed(
    moody_talks: Fleet, moody: Moody
) -> None:
    await send(moody_talks, range(150))
    for done in (10, 60):
        worker = moody_talks.start()
        wait_until(lambda: len(moody_talks.lines("end")) > done, 90)  # noqa: B023 - asked here
        moody_talks.kill(worker)
        durable = sum(key.startswith(b"s\0") for key in await moody_talks.state())
        lost = sum(moody.answered.values()) - durable  # in all deaths so far

    moody_talks.start()
    await moody_talks.settled(150)

    assert await said(moody_talks) == Counter(range(150))
    assert len(moody.answered) == 150 * QUESTIONS
    assert sum(moody.answered.values()) - len(moody.answered) <= lost
    assert not await moody_talks.letters("talk")
    assert await told(moody_talks) == Counter(f"{n}/act-1" for n in range(150))


async def test_a_rebalance_asks_nothing_again(talks: Fleet, api: MessagesApi) -> None:
    talks.start()
    await send(talks, range(300))
    wait_until(lambda: len(talks.lines("end")) > 20, 60)
    second = talks.start(ready=False)
    wait_until(lambda: takes_in(talks, second.pid), 60)
    await send(talks, range(300, 400))
    await talks.settled(120)

    assert await said(talks) == Counter(range(400))
    assert set(asked(api).values()) == {1}
    assert len(api.asked) == 400 * QUESTIONS
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
