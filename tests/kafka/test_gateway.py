"""The gateway on a real broker: what was accepted is there, once, whatever happened meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING

import aiohttp
import pytest

from streamagents.bus import LastingBus, read_all
from streamagents.errors import EventTooLargeError, StreamAgentsError
from streamagents.ports import Outgoing
from support import wait_until_async
from support.gateway_app import app
from support.gateway_process import GatewayProcess, Sender
from support.signing import STANDARD_SECRET, standard
from support.topics import create_topics, spec

if TYPE_CHECKING:
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

JSON_TYPE = {"Content-Type": "application/json"}
pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]


async def ids_of(bootstrap: str, topic: str) -> Counter[str]:
    records = await read_all(bootstrap, topic)
    return Counter(dict(record.headers)["ce_id"].decode() for record in records)


async def test_every_accepted_event_is_there_once_although_the_broker_was_killed(
    own_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    own_broker.start()
    await create_topics(own_broker.address, *app.specs())
    with GatewayProcess(own_broker.address, tmp_path) as gateway:
        await ready(gateway)
        sender = Sender(gateway.url)
        sending = asyncio.create_task(sender.run(600, 60, give_up_s=120))
        await wait_until_async(lambda: len(sender.accepted) > 100, 60)
        await asyncio.to_thread(own_broker.kill)
        await wait_until_async(lambda: any(status == 503 for status, _ in sender.refused), 60)
        await asyncio.to_thread(own_broker.start)
        await sending
        ids = await ids_of(own_broker.address, "ping")
        gateway.stop()
        await wait_until_async(lambda: gateway.has_ended, 30)

    assert gateway.process is not None
    assert gateway.process.returncode == 0
    assert len(sender.accepted) == 600
    assert ids == Counter(dict.fromkeys(sender.accepted, 1))


async def test_refused_requests_leave_nothing_behind(
    own_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    own_broker.start()
    await create_topics(own_broker.address, *app.specs())
    with GatewayProcess(own_broker.address, tmp_path) as gateway:
        await ready(gateway)
        await asyncio.to_thread(own_broker.kill)
        body = "x" * 10_000
        await refused(gateway, 500, body)
        before = gateway.rss_mib
        await refused(gateway, 2_000, body)

        assert gateway.rss_mib - before < 10
        began = time.monotonic()
        await refused(gateway, 1, body)
        assert time.monotonic() - began < 5


async def test_it_starts_without_a_broker_and_is_ready_when_there_is_one(
    own_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    hook = {
        "STREAMAGENTS_HOOK_SHOP_PRESET": "standard",
        "STREAMAGENTS_HOOK_SHOP_SECRET": STANDARD_SECRET,
    }
    with GatewayProcess(own_broker.address, tmp_path, env=hook) as gateway:
        async with aiohttp.ClientSession(gateway.url) as session:
            async with session.get("/live") as live, session.get("/ready") as answer:
                assert (live.status, answer.status) == (200, 503)
            await asyncio.to_thread(own_broker.start)
            await create_topics(own_broker.address, *app.specs())
            await ready(gateway)
            async with session.post("/events/ping", json={"who": "ana"}) as answer:
                assert answer.status == 202
            body = b'{"type": "ping", "data": {"name": "bo"}}'
            headers = {**dict(standard(STANDARD_SECRET, body, int(time.time()))), **JSON_TYPE}
            for _ in range(2):  # the sender did not hear the first answer
                async with session.post("/hooks/shop", data=body, headers=headers) as answer:
                    assert answer.status == 202
    pings = await read_all(own_broker.address, "ping")
    found = {(record.key, dict(record.headers)["ce_source"]) for record in pings}
    assert found == {(b"ana", b"gateway/local"), (b"bo", b"hooks/shop")}
    assert (await ids_of(own_broker.address, "ping"))["msg_1"] == 2
    assert gateway.said().count("waiting_for_broker") == 1
    assert "Traceback" not in gateway.said()


async def test_a_record_that_the_broker_refuses_does_not_harm_those_after_it(
    broker: EmbeddedBroker, topic: str
) -> None:
    """An idempotent producer has a gap in its numbers then, and would be refused for ever."""
    await create_topics(
        broker.address, spec(topic, partitions=1, config={"max.message.bytes": "2000"})
    )

    def record(size: int) -> Outgoing:
        return Outgoing(topic=topic, key=b"k", value=b"x" * size)

    async with LastingBus(broker.address) as bus:
        await wait_until_async(lambda: bus.is_reachable)
        await bus.send(record(1))
        with pytest.raises(EventTooLargeError):
            await bus.send(record(100_000))

        async def kept() -> bool:
            try:
                await bus.send(record(2))
            except StreamAgentsError:
                return False
            return True

        await wait_until_async(kept, 20)

    values = [len(record.value or b"") for record in await read_all(broker.address, topic)]
    assert values == [1, 2]


async def ready(gateway: GatewayProcess) -> None:
    async with aiohttp.ClientSession(gateway.url) as session:

        async def is_ready() -> bool:
            async with session.get("/ready") as answer:
                return answer.status == 200

        await wait_until_async(is_ready, 60)


async def refused(gateway: GatewayProcess, count: int, body: str) -> None:
    """Post so many events, 20 at a time; none is accepted."""
    turns = asyncio.Semaphore(20)
    async with aiohttp.ClientSession(gateway.url) as session:

        async def post(number: int) -> int:
            async with (
                turns,
                session.post(
                    "/events/ping", json={"who": f"w{number % 9}", "text": body}
                ) as answer,
            ):
                return answer.status

        assert set(await asyncio.gather(*(post(n) for n in range(count)))) == {503}
