"""Politeness: turns, distances, robots, and hosts that want to be left alone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from time import process_time
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.errors import HttpError, PollError, ThrottledError
from streamagents.monitors import Web
from streamagents.monitors.dates import from_epoch, moment
from streamagents.monitors.robots import rules_of
from streamagents.monitors.web import retry_after_s
from streamagents.net import Http, Reply
from streamagents.testing import FakeClock
from support import wait_until_async
from support.http_peer import HttpPeer, bomb, redirect, reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from support.http_peer import Asked, Writer

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def web(peer: HttpPeer, clock: FakeClock) -> AsyncIterator[Web]:
    async with Http(private=[peer.host]) as http:
        yield Web(http, clock)


def has_asked(peer: HttpPeer, times: int) -> bool:
    return len(peer.requests) >= times


async def ask(web: Web, url: str) -> Reply:
    return await web.ask("GET", url, deadline_s=5, max_bytes=10_000)


async def test_a_host_is_asked_one_thing_at_a_time_and_not_at_once_again(
    web: Web, peer: HttpPeer, clock: FakeClock
) -> None:
    now, most = 0, 0

    async def behave(asked: Asked, writer: Writer) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await reply(200)(asked, writer)
        await writer.drain()
        now -= 1

    peer.on("*", behave)
    tasks = [asyncio.create_task(ask(web, peer.url(f"/{n}"))) for n in range(4)]
    for asked in range(1, 4):
        await wait_until_async(lambda: clock.next_wake_s is not None)
        assert len(peer.requests) == asked
        assert clock.next_wake_s == pytest.approx(1.0)
        clock.advance(1.0)
        await wait_until_async(partial(has_asked, peer, asked + 1))
    await asyncio.gather(*tasks)

    assert most == 1


async def test_other_hosts_are_not_waited_for(web: Web, clock: FakeClock) -> None:
    async with HttpPeer() as one, HttpPeer() as two, Http(private=[one.host, two.host]) as http:
        web = Web(http, clock)
        for peer in (one, two):
            peer.on("*", reply(200))
            await asyncio.wait_for(ask(web, peer.url()), 5)


async def test_robots_are_asked_for_once_an_hour_and_their_delay_is_kept(
    peer: HttpPeer, clock: FakeClock
) -> None:
    peer.on(
        "/robots.txt",
        reply(200, b"User-agent: *\nDisallow: /\nUser-agent: streamagents\nCrawl-delay: 4\n"
              b"Disallow: /no*.pdf$\n"),
    )  # fmt: skip
    peer.on("*", reply(200))
    async with Http(private=[peer.host]) as http:
        web = Web(http, clock, distance_s=0)
        for _ in range(3):
            await web.obey(peer.url("/yes"))
        with pytest.raises(PollError, match=r"robots.txt forbids it"):
            await web.obey(peer.url("/north.pdf"))
        clock.advance(3600)
        await web.obey(peer.url("/yes"))
        assert [asked.path for asked in peer.requests] == ["/robots.txt"] * 2
        task = asyncio.create_task(ask(web, peer.url("/yes")))
        await wait_until_async(lambda: task.done() or clock.next_wake_s is not None)
        clock.advance(clock.next_wake_s or 0)
        await task
        again = asyncio.create_task(ask(web, peer.url("/yes")))
        await wait_until_async(lambda: clock.next_wake_s is not None)
        assert clock.next_wake_s == pytest.approx(4.0)
        clock.advance(4.0)
        await again


def robots(status: int, body: bytes = b"") -> Reply:
    return Reply(status=status, headers={}, body=body, url="https://a.example/robots.txt")


@pytest.mark.parametrize(
    ("answer", "allowed"),
    [
        (robots(404), True),
        (robots(401), True),
        (robots(200), True),
        (robots(200, b"\xff\xfe\0<html>"), True),
        (robots(200, b"User-agent: *\nDisallow: /"), False),
        (robots(200, b"\xef\xbb\xbfUser-agent: *\nDisallow: /x"), False),
        (robots(200, "User-agent: *\nDisallow: /x".encode("utf-16")), False),
        (robots(200, b"User-agent: StreamAgents/1.0\nDisallow: /"), False),
        (robots(200, b"User-agent: another/streamagents\nDisallow: /"), True),
        (robots(500), False),
        (robots(301), False),
        (HttpError("a.example sent more than 512000 bytes."), False),
    ],
)
def test_no_robots_allow_everything_and_trouble_allows_nothing(answer: Any, allowed: bool) -> None:  # noqa: FBT001 - a case
    assert rules_of(answer).allow("https://a.example/x", "streamagents") is allowed


@pytest.mark.parametrize(
    "answer", [bomb(2_000_000), redirect("http://10.0.0.1/robots.txt"), redirect("/robots.txt")]
)
async def test_robots_that_cannot_be_read_allow_nothing(
    answer: Any, peer: HttpPeer, clock: FakeClock
) -> None:
    peer.on("/robots.txt", answer)
    async with Http(private=[peer.host]) as http:
        with pytest.raises(PollError, match=r"robots.txt could not be read"):
            await Web(http, clock, distance_s=0).obey(peer.url("/"))


@pytest.mark.parametrize(
    "unit",
    [
        b"Disallow: /a*b*c*d\n",
        b"Disallow: /" + b"*a" * 99 + b"*b$\n",
        b"User-agent: a\nDisallow: /\n",
        b"a\n",
    ],
)
def test_no_robots_take_long(unit: bytes) -> None:
    body = b"User-agent: *\n" + unit * (500_000 // len(unit))
    began = process_time()
    rules_of(robots(200, body)).allow("https://a.example/" + "a" * 1000, "streamagents")

    assert process_time() - began < 10


async def test_a_throttled_host_is_not_asked_by_anybody_until_then(
    peer: HttpPeer, clock: FakeClock
) -> None:
    peer.on("/", reply(429, b"", {"Retry-After": "100"}))
    peer.on("/other", reply(200))
    async with Http(private=[peer.host]) as http:
        web = Web(http, clock, distance_s=0)
        with pytest.raises(ThrottledError) as told:
            await ask(web, peer.url("/"))
        assert told.value.after_s == 100
        clock.advance(60)
        with pytest.raises(ThrottledError, match="has asked for 40 s more of rest"):
            await ask(web, peer.url("/other"))
        clock.advance(40)
        assert (await ask(web, peer.url("/other"))).status == 200


async def test_hosts_are_remembered_within_bounds(web: Web, clock: FakeClock) -> None:
    for n in range(1500):
        web._host(f"https://h{n}.example/")

    assert len(web._hosts) == 1000


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("9" * 40, 86_400),
        ("Tue, 03 Nov 2026 12:10:00 GMT", 600),
        ("Tue, 03 Nov 2026 11:00:00 GMT", 0),
        ("Wed, 03 Nov 2027 11:00:00 GMT", 86_400),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("١٢", None),
    ],
)
def test_a_retry_after_is_read(said: str, seconds: float | None) -> None:
    assert retry_after_s(said, NOW) == seconds


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Tue, 03 Nov 2026 12:00:00 GMT", "2026-11-03T12:00:00+00:00"),
        ("03 Nov 26 12:00 EST", "2026-11-03T17:00:00+00:00"),
        ("Tue, 3 Nov 2026 12:00:00 +0530", "2026-11-03T06:30:00+00:00"),
        ("2026-11-03T12:00:00Z", "2026-11-03T12:00:00+00:00"),
        ("2026-11-03T12:00:00.123456789+01:00", "2026-11-03T11:00:00+00:00"),
        ("2026-11-03 12:00:00 -0500", "2026-11-03T17:00:00+00:00"),
        ("2026-11-03T12:00+0200", "2026-11-03T10:00:00+00:00"),
        ("2026-11-03", "2026-11-03T00:00:00+00:00"),
        ("2026-02-30", None),
        ("0000-01-01", None),
        ("0000-00-00 00:00:00", None),
        ("Mon, 30 Nov -0001 00:00:00 +0000", None),
        ("Tue, 03 Nov 2026 12:00:00 +01:00", "2026-11-03T11:00:00+00:00"),
        ("Tue Nov 03 2026 12:00:00 GMT+0100 (CET)", "2026-11-03T11:00:00+00:00"),
        ("Tue, 03 Nov 2026 12:00:00 GMT-0500", "2026-11-03T17:00:00+00:00"),
        ("Tue, 03 Nov 2026 12:00:00 CEST", "2026-11-03T10:00:00+00:00"),
        ("Tue Nov 03 12:00:00 EST 2026", "2026-11-03T17:00:00+00:00"),
        ("Tue, 03 Nov 2026 02:02:33 PM", "2026-11-03T14:02:33+00:00"),
        ("Nov 3, 2026 12:05 a.m. PST", "2026-11-03T08:05:00+00:00"),
        ("Tue, 03 Nov 2026 12:00:00.500 GMT", "2026-11-03T12:00:00+00:00"),
        ("Tue, 03 Nov 2026 24:00:00 GMT", "2026-11-04T00:00:00+00:00"),
        ("Tue, 03 Nov 2026 25:00:00 GMT", None),
        ("Tue, 03 Nov 2026", "2026-11-03T00:00:00+00:00"),
        ("Thurs, 03 Sept 2026 12:00:00 GMT", "2026-09-03T12:00:00+00:00"),
        ("2026-11-03T12:00:00+01", "2026-11-03T11:00:00+00:00"),
        ("2026-11-03T12:00:00-05:00[America/New_York]", "2026-11-03T17:00:00+00:00"),
        ("2026-11-03 12:00:00 EST", "2026-11-03T17:00:00+00:00"),
        ("2026-11-3T9:00:60Z", "2026-11-03T09:01:00+00:00"),
        ("2026/11/03 12:00", "2026-11-03T12:00:00+00:00"),
        ("20261103", "2026-11-03T00:00:00+00:00"),
        ("2026-11", "2026-11-01T00:00:00+00:00"),
        ("2026", "2026-01-01T00:00:00+00:00"),
        ("1793707200", None),
        ("03.11.2026", None),
        ("Thu, 01 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00+00:00"),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        ("Tue, 99 Foo 9999999999999999 12:00:00", None),
        ("1" * 100, None),
        ("", None),
        (7, None),
        (None, None),
    ],
)
def test_a_date_is_read_as_it_is_written(text: Any, read: str | None) -> None:
    found = moment(text)
    assert (found and found.isoformat()) == read


@pytest.mark.parametrize(
    ("seconds", "year"),
    [(0, 1970), (1.7e9, 2023), (1e30, None), (float("nan"), None), ("0", None), (True, None)],
)
def test_seconds_since_the_epoch_are_read(seconds: Any, year: int | None) -> None:
    found = from_epoch(seconds)
    assert (found and found.year) == year
