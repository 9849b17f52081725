"""What `Queue` promises, asked of the one in memory, of Kafka, of Redis and of what speaks SQS."""

from __future__ import annotations

import json
import os
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from pydantic import SecretStr
from redis import asyncio as redis
from structlog.testing import capture_logs

from streamagents.bus.group import KafkaGroup
from streamagents.errors import QueueError
from streamagents.ports import Message
from streamagents.testing import MemoryQueue
from streamagents.triggers.bridge import RedisQueue, SqsQueue
from streamagents.triggers.bridge.redis_stream import RedisStream
from streamagents.triggers.bridge.sqs import SqsMessages
from support import wait_until_async
from support.sqs import running_sqs
from support.topics import create_topics, spec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

    from streamagents.ports import Queue

TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A queue, a way to fill it, and another consumer of the same group."""

    queue: Queue
    put: Callable[[Sequence[Any]], Awaitable[None]]
    again: Callable[[], Awaitable[Queue]]
    """A fresh consumer, when the first one has closed or died."""


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka), "redis", "sqs"])
async def case(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Case]:
    made = {"memory": memory, "kafka": on_kafka, "redis": on_redis, "sqs": on_sqs}[request.param]
    async for each in made(request, monkeypatch):
        yield each


async def memory(request: pytest.FixtureRequest, _: Any) -> AsyncIterator[Case]:
    queue = MemoryQueue()

    async def put(payloads: Sequence[Any]) -> None:
        for payload in payloads:
            queue.put(json.dumps(payload).encode(), headers=(("traceparent", TRACE.encode()),))

    async def again() -> Queue:
        return queue

    yield Case(queue=queue, put=put, again=again)


async def on_kafka(request: pytest.FixtureRequest, _: Any) -> AsyncIterator[Case]:
    address, topic = request.getfixturevalue("broker").address, f"q-{uuid.uuid4().hex[:8]}"
    await create_topics(address, spec(topic, partitions=1))
    queues = [KafkaGroup(address, topic, topic)]

    async def put(payloads: Sequence[Any]) -> None:
        headers = [("traceparent", TRACE.encode())]
        async with AIOKafkaProducer(bootstrap_servers=address) as producer:
            for payload in payloads:
                await producer.send(topic, json.dumps(payload).encode(), headers=headers)
            await producer.flush()

    async def again() -> Queue:
        queues.append(KafkaGroup(address, topic, topic))
        return queues[-1]

    yield Case(queue=queues[0], put=put, again=again)
    for queue in queues:
        await queue.close()


async def on_redis(request: pytest.FixtureRequest, _: Any) -> AsyncIterator[Case]:
    server, stream = request.getfixturevalue("redis_server"), f"q-{uuid.uuid4().hex[:8]}"
    described = RedisQueue(stream=stream, url=server.url, field="data")
    queues = [RedisStream(described, "g")]

    async def put(payloads: Sequence[Any]) -> None:
        async with redis.Redis.from_url(server.url) as client:
            for payload in payloads:
                entry: dict[Any, Any] = {"data": json.dumps(payload), "traceparent": TRACE}
                await client.xadd(stream, entry)

    async def again() -> Queue:
        queues.append(RedisStream(described, "g"))
        return queues[-1]

    yield Case(queue=queues[0], put=put, again=again)
    for queue in queues:
        await queue.close()


async def on_sqs(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Case]:
    no_aws(monkeypatch)
    async with running_sqs() as server:
        described = SqsQueue(url=server.url, region="eu-central-1", endpoint=server.endpoint)
        queues = [SqsMessages(described)]

        async def put(payloads: Sequence[Any]) -> None:
            for payload in payloads:
                server.put(json.dumps(payload), traceparent=TRACE)

        async def again() -> Queue:
            server.forget_receipts()
            queues.append(SqsMessages(described))
            return queues[-1]

        yield Case(queue=queues[0], put=put, again=again)
        for queue in queues:
            await queue.close()


def no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own account, and no request to find one."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws-marker")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


async def deleted(address: str, topic: str) -> None:
    """Delete a topic, and wait until it is gone."""
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        await admin.delete_topics([topic])

        async def is_gone() -> bool:
            return topic not in await admin.list_topics()

        await wait_until_async(is_gone)
    finally:
        await admin.close()


async def received(queue: Queue, count: int, limit: int = 500) -> list[Message]:
    """So many messages, without telling the queue that they are done."""
    found: list[Message] = []
    give_up = time.monotonic() + 20
    while len(found) < count and time.monotonic() < give_up:
        found += await queue.receive(min(limit, count - len(found)))
    return found


def payloads(messages: Sequence[Message]) -> list[Any]:
    return [json.loads(message.value or b"") for message in messages]


async def test_messages_come_in_order_with_an_id_each_and_their_trace(case: Case) -> None:
    await case.put([{"n": n} for n in range(40)])

    messages = await received(case.queue, 40)

    assert payloads(messages) == [{"n": n} for n in range(40)]
    assert len({message.id for message in messages}) == 40
    assert dict(messages[0].headers)["traceparent"] == TRACE.encode()


async def test_no_more_come_than_were_asked_for(case: Case) -> None:
    await case.put([{"n": n} for n in range(10)])

    assert payloads(await received(case.queue, 3, limit=3)) == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert payloads(await received(case.queue, 2, limit=2)) == [{"n": 3}, {"n": 4}]


async def test_what_is_done_never_comes_again_and_what_is_not_comes_under_the_same_id(
    case: Case,
) -> None:
    await case.put([{"n": n} for n in range(30)])
    messages = await received(case.queue, 30)
    await case.queue.done(messages[:20])
    await case.queue.close()

    later = await received(await case.again(), 10)

    assert payloads(later) == [{"n": n} for n in range(20, 30)]
    assert [message.id for message in later] == [message.id for message in messages[20:]]


async def test_what_comes_later_is_received_later(case: Case) -> None:
    await case.put([{"n": 0}])
    first = await received(case.queue, 1)
    await case.queue.done(first)
    await case.put([{"n": 1}])

    assert payloads(await received(case.queue, 1)) == [{"n": 1}]


async def test_what_is_held_is_done_as_usual(case: Case) -> None:
    await case.put([{"n": 0}])
    messages = await received(case.queue, 1)
    await case.queue.hold(messages)
    await case.queue.done(messages)
    await case.queue.close()
    await case.put([{"n": 1}])

    assert payloads(await received(await case.again(), 1)) == [{"n": 1}]


async def test_an_empty_queue_answers_soon(case: Case) -> None:
    await case.queue.receive(10)
    began = time.monotonic()

    assert list(await case.queue.receive(10)) == []
    assert time.monotonic() - began < 6


# -- what only one of them can do ------------------------------------------------------------------


async def test_redis_gives_what_a_dead_consumer_left(redis_server: Any) -> None:
    stream = f"q-{uuid.uuid4().hex[:8]}"
    dead = RedisStream(
        RedisQueue(stream=stream, url=redis_server.url, consumer="dead", claim_s=1), "g"
    )
    alive = RedisStream(
        RedisQueue(stream=stream, url=redis_server.url, consumer="alive", claim_s=1), "g"
    )
    async with redis.Redis.from_url(redis_server.url) as client:
        await client.xadd(stream, {"a": "1", "b": b"\xff"})
    (left,) = await received(dead, 1)
    await dead.close()

    (claimed,) = await received(alive, 1)
    await alive.close()

    assert claimed.id == left.id
    assert json.loads(claimed.value or b"") == {"a": "1", "b": {"base64": "/w=="}}


async def test_redis_finds_what_a_dead_consumer_left_behind_the_many_of_a_living_one(
    redis_server: Any,
) -> None:
    """One claim looks at no more than ten times what it may take."""
    stream = f"q-{uuid.uuid4().hex[:8]}"
    queue = RedisStream(RedisQueue(stream=stream, url=redis_server.url), "g")
    async with redis.Redis.from_url(redis_server.url) as client:
        for n in range(1600):
            await client.xadd(stream, {"n": str(n)})
        await client.xgroup_create(stream, "g", id="0")
        await client.xreadgroup("g", "living", {stream: ">"}, count=1500)
        left: Any = await client.xreadgroup("g", "dead", {stream: ">"})
        ids = [id_ for id_, _ in left[0][1]]
        await client.xclaim(stream, "g", "dead", 0, ids, idle=120_000, justid=True)

        messages = await received(queue, 100)
        await queue.close()

    assert payloads(messages) == [{"n": str(n)} for n in range(1500, 1600)]


async def test_entries_that_redis_trimmed_hold_nobody_up(redis_server: Any) -> None:
    stream = f"q-{uuid.uuid4().hex[:8]}"
    queue = RedisStream(RedisQueue(stream=stream, url=redis_server.url), "g")
    async with redis.Redis.from_url(redis_server.url) as client:
        await client.xadd(stream, {"n": "0"})
        await received(queue, 1)
        await client.xtrim(stream, maxlen=0)
        await client.xadd(stream, {"n": "1"})
    await queue.close()

    assert payloads(await received(queue, 1)) == [{"n": "1"}]
    await queue.close()


@pytest.mark.parametrize(
    ("url", "lasting", "words"),
    [
        ("redis://:wrong-secret@127.0.0.1:{port}/0", True, "Redis refuses"),
        ("redis://:wrong-secret@127.0.0.1:1/0", False, "Redis does not answer"),
        ("nonsense wrong-secret", True, "URL of Redis cannot be used"),
    ],
)
async def test_what_redis_refuses_is_told_without_the_secret(
    redis_server: Any, url: str, lasting: Any, words: str
) -> None:
    described = RedisQueue(stream="s", url=SecretStr(url.format(port=redis_server.port)))
    queue = RedisStream(described, "g")

    with pytest.raises(QueueError, match=words) as told:
        await queue.receive(1)
    await queue.close()

    assert told.value.lasting is lasting
    assert "wrong-secret" not in f"{told.value}{described!r}"


async def test_a_key_that_is_no_stream_is_refused_for_good(redis_server: Any) -> None:
    name = f"q-{uuid.uuid4().hex[:8]}"
    async with redis.Redis.from_url(redis_server.url) as client:
        await client.set(name, "text")
    queue = RedisStream(RedisQueue(stream=name, url=redis_server.url), "g")

    with pytest.raises(QueueError, match="WRONGTYPE") as told:
        await queue.receive(1)
    await queue.close()

    assert told.value.lasting


@pytest.mark.parametrize(
    ("code", "lasting"), [("AccessDenied", True), ("ThrottlingException", False)]
)
async def test_what_sqs_refuses_is_told(
    monkeypatch: pytest.MonkeyPatch, code: str, lasting: Any
) -> None:
    no_aws(monkeypatch)
    async with running_sqs() as server:
        server.fails = code
        queue = SqsMessages(SqsQueue(url=server.url, region="x", endpoint=server.endpoint))
        with pytest.raises(QueueError, match=code) as told:
            await queue.receive(1)
        await queue.close()

    assert told.value.lasting is lasting
    assert "aws-marker" not in str(told.value)


async def test_sqs_without_credentials_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    no_aws(monkeypatch)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("HOME", str(tmp_path))
    queue = SqsMessages(SqsQueue(url="http://127.0.0.1:1/q", region="x"))

    with pytest.raises(QueueError, match="NoCredentials") as told:
        await queue.receive(1)
    await queue.close()

    assert told.value.lasting


@pytest.mark.kafka
async def test_a_kafka_topic_that_is_not_there_is_named(broker: Any) -> None:
    queue = KafkaGroup(broker.address, "nowhere", "g")

    with pytest.raises(QueueError, match="no topic nowhere") as told:
        await queue.receive(1)

    assert told.value.lasting


@pytest.mark.kafka
async def test_a_topic_that_was_made_anew_has_new_messages_in_old_places(broker: Any) -> None:
    topic = f"q-{uuid.uuid4().hex[:8]}"
    ids = []
    for _ in range(2):
        await create_topics(broker.address, spec(topic, partitions=1))
        async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
            await producer.send_and_wait(topic, b"{}")
        queue = KafkaGroup(broker.address, topic, uuid.uuid4().hex)
        ids += [message.id for message in await received(queue, 1)]
        await queue.close()
        await deleted(broker.address, topic)

    assert len(set(ids)) == 2


@pytest.mark.kafka
async def test_records_that_were_deleted_before_they_were_read_are_told_of(broker: Any) -> None:
    topic = f"q-{uuid.uuid4().hex[:8]}"
    await create_topics(broker.address, spec(topic, partitions=1))
    there = TopicPartition(topic, 0)

    async def put(*numbers: int) -> None:
        async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
            for number in numbers:
                await producer.send_and_wait(topic, json.dumps(number).encode())

    async def delete(before: int) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
        await admin.start()
        await admin.delete_records({there: RecordsToDelete(before_offset=before)})
        await admin.close()

    await put(0, 1, 2, 3)
    first = KafkaGroup(broker.address, topic, topic)
    await first.done((await received(first, 4, limit=1))[:1])
    await first.close()
    await delete(3)
    queue = KafkaGroup(broker.address, topic, topic)
    with capture_logs() as logged:
        assert payloads(await received(queue, 1)) == [3]
        await put(4)
        assert payloads(await received(queue, 1)) == [4]
    await queue.close()

    (told,) = (line for line in logged if line["event"] == "records_deleted")
    assert (told["topic"], told["partition"], told["first"], told["last"]) == (topic, 0, 1, 2)


@pytest.mark.kafka
async def test_what_went_to_another_member_meanwhile_is_its_to_commit(broker: Any) -> None:
    topic = f"q-{uuid.uuid4().hex[:8]}"
    await create_topics(broker.address, spec(topic, partitions=1))
    queue = KafkaGroup(broker.address, topic, topic)
    await queue.receive(1)
    moved = Message(id="m", value=b"{}", token=(TopicPartition(topic, 3), 7))

    await queue.done([moved])

    await queue.close()


async def test_a_kafka_that_is_not_there_is_waited_for() -> None:
    queue = KafkaGroup("127.0.0.1:1", "t", "g", timeout_s=2)

    with pytest.raises(QueueError, match=r"127\.0\.0\.1:1") as told:
        await queue.receive(1)

    assert not told.value.lasting


async def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("no certificate")
    for name, words in (("nowhere.pem", "No such file"), ("empty.pem", "cannot be read")):
        access = {"security_protocol": "SSL", "ca_file": str(tmp_path / name)}
        queue = KafkaGroup("127.0.0.1:1", "t", "g", access=access)

        with pytest.raises(QueueError, match=words) as told:
            await queue.receive(1)

        assert told.value.lasting
