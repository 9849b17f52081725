"""Monitors on real workers: a new item is one event, whoever dies at which moment."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from support import wait_until_async
from support.http_peer import HttpPeer, reply
from support.workers import Fleet, header

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker
    from support.http_peer import Asked, Writer

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


class Site:
    """A feed of the newest five posts; a post is published with each answer."""

    def __init__(self) -> None:
        self.published = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self.asked = 0

    async def __call__(self, asked: Asked, writer: Writer) -> None:
        self.asked += 1
        await self.answers.wait()
        self.published += 1
        newest = range(self.published, max(0, self.published - 5), -1)
        items = (f"<item><guid>g{n}</guid><title>t{n}</title></item>" for n in newest)
        body = f"<rss><channel>{''.join(items)}</channel></rss>".encode()
        await reply(200, body)(asked, writer)


@pytest.fixture
async def site() -> AsyncIterator[tuple[HttpPeer, Site]]:
    async with HttpPeer() as peer:
        site = Site()
        peer.on("/feed", site)
        yield peer, site


@pytest.fixture
async def fleet(
    broker: EmbeddedBroker, tmp_path: Path, site: tuple[HttpPeer, Site]
) -> AsyncIterator[Fleet]:
    peer, _ = site
    async with Fleet(
        broker.address,
        tmp_path,
        module="support.watchers_app",
        WATCHED_URL=peer.url("/feed"),
        STREAMAGENTS_ALLOW_PRIVATE_HOSTS=peer.host,
    ) as fleet:
        yield fleet


async def posts(fleet: Fleet) -> list[int]:
    """The posts that were emitted, in the order of their records, as who reads committed sees."""
    titles = [json.loads(record.value or b"")["title"] for record in await fleet.read("post")]
    return sorted(int(title[1:]) for title in titles)


async def test_nothing_is_told_twice_and_nothing_is_missed_when_workers_are_killed(
    fleet: Fleet, site: tuple[HttpPeer, Site]
) -> None:
    _, feed = site
    worker = await asyncio.to_thread(fleet.start)
    await wait_until_async(lambda: feed.asked >= 3, 60)
    fleet.kill(worker)  # somewhere between two polls, or in one

    worker = await asyncio.to_thread(fleet.start)
    before = feed.asked
    await wait_until_async(lambda: feed.asked >= before + 2, 60)
    feed.answers.clear()
    await wait_until_async(lambda: feed.asked >= before + 3, 60)
    fleet.kill(worker)  # in the middle of a poll
    feed.answers.set()

    await asyncio.to_thread(fleet.start)
    before = feed.asked
    await wait_until_async(lambda: feed.asked >= before + 3, 60)
    reached = feed.published

    async def told() -> bool:
        return bool((emitted := await posts(fleet)) and emitted[-1] >= reached)

    await wait_until_async(told, 30)
    emitted = await posts(fleet)
    assert emitted == list(range(1, emitted[-1] + 1))
    records = await fleet.read("post")
    assert {header(record, "ce_id") for record in records} == {f"beta:g{n}" for n in emitted}
    assert {header(record, "ce_source") for record in records} == {"monitor/beta"}
    assert await fleet.letters("streamagents.ticks") == []
