"""Sizes, times and rates: what is too much is refused at once, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING

import pytest

from streamagents.testing import FakeClock
from streamagents.triggers.gateway.rates import Bucket
from streamagents.triggers.gateway.service import Limits
from support import wait_until_async
from support.gateway import JSON, TestGateway, call
from support.signing import github

if TYPE_CHECKING:
    from streamagents.ports import Outgoing, Position

ANN = {"email": "ann@example.com"}
HEADERS = (JSON, ("host", "localhost"))


async def test_a_body_that_drips_is_given_up() -> None:
    gateway = TestGateway(limits=Limits(body_s=0.05))

    answer = await call(gateway.app, "POST", "/events/lead", headers=HEADERS, chunks=[b"{", b" "])

    assert (answer.status, answer.headers["connection"]) == (408, "close")


async def test_a_body_without_a_length_is_cut_at_the_limit() -> None:
    gateway = TestGateway(limits=Limits(max_bytes=2048))

    answer = await call(
        gateway.app, "POST", "/events/lead", headers=HEADERS, chunks=[b" " * 1000] * 100
    )

    assert (answer.status, answer.headers["connection"]) == (413, "close")


async def test_a_gzip_bomb_stays_packed() -> None:
    bomb = gzip.compress(bytes(10_000_000))

    answer = await TestGateway().post("/events/lead", bomb, ("content-encoding", "gzip"))

    assert (answer.status, answer.headers["accept-encoding"]) == (415, "identity")


class Stuck:
    """A bus that never answers."""

    def __init__(self) -> None:
        self.asked = 0

    async def send(self, record: Outgoing) -> Position:
        self.asked += 1
        await asyncio.Event().wait()
        raise AssertionError


async def test_beyond_the_room_requests_are_refused_at_once() -> None:
    bus = Stuck()
    gateway = TestGateway(bus=bus, limits=Limits(in_flight=3), wait_s=5)
    waiting = [asyncio.create_task(gateway.post("/events/lead", ANN)) for _ in range(3)]
    await wait_until_async(lambda: bus.asked == 3)

    answer = await gateway.post("/events/lead", ANN)

    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    assert bus.asked == 3
    await gateway.keeper.close()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_strangers_who_are_slow_take_no_place_of_a_known_sender() -> None:
    gateway = TestGateway(
        hooks={"shop": {"preset": "github", "secret": "s"}}, limits=Limits(in_flight=3, body_s=5)
    )
    slow = [
        asyncio.create_task(
            call(gateway.app, "POST", "/hooks/shop", headers=HEADERS, chunks=[b"{"])
        )
        for _ in range(20)
    ]
    await asyncio.sleep(0)

    answer = await gateway.post("/hooks/shop", b"{}", *github("s", b"{}"))

    assert answer.status == 202
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)


async def test_the_bytes_of_all_requests_have_a_bound() -> None:
    gateway = TestGateway(limits=Limits(max_bytes=40 << 20, body_s=5))
    big, small = b" " * (39 << 20), b" " * (30 << 20)
    asked = asyncio.create_task(
        call(gateway.app, "POST", "/events/lead", headers=HEADERS, chunks=[big])
    )
    await asyncio.sleep(0)

    answer = await gateway.post("/events/lead", small)

    assert answer.status == 503
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    assert (await gateway.post("/events/lead", small)).status == 400


def test_a_bucket_holds_a_seconds_worth_and_says_when_to_come_again() -> None:
    clock = FakeClock()
    bucket = Bucket(2, clock)

    assert [bucket.take() for _ in range(3)] == [0, 0, 0.5]
    clock.advance(0.5)
    assert [bucket.take(), bucket.take()] == [0, 0.5]
    clock.advance(1000)
    assert [bucket.take() for _ in range(3)] == [0, 0, 0.5]


def test_a_slow_rate_lets_one_pass_at_a_time() -> None:
    clock = FakeClock()
    bucket = Bucket(0.1, clock)

    assert (bucket.take(), bucket.take()) == (0, 10)


async def test_more_events_a_second_than_allowed_wait_their_turn() -> None:
    gateway = TestGateway(limits=Limits(rate=2))

    answers = [await gateway.post("/events/lead", ANN) for _ in range(3)]

    assert [answer.status for answer in answers] == [202, 202, 429]
    assert answers[2].headers["retry-after"] == "1"


@pytest.mark.parametrize("path", ["/events/lead", "/hooks/nobody"])
async def test_who_is_refused_early_may_finish_and_reads_the_answer(path: str) -> None:
    """A sender that is cut off while it sends sees a broken connection, and no reason."""
    gateway = TestGateway(limits=Limits(max_bytes=1024))

    answer = await gateway.post(path, b" " * 100_000, ("content-length", "100000"))

    assert answer.status in {404, 413}
    assert "connection" not in answer.headers
