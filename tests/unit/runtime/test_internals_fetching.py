"""Fetching: aiokafka asks again when what it has brought is taken, and not long before."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from streamagents.runtime.internals import fetching

if TYPE_CHECKING:
    import pytest


class Fetcher:
    """As much of aiokafka's as is needed: one response, and whoever waits for it."""

    def __init__(self, *, brings: bool) -> None:
        self._brings = brings
        self._wait_consume_future = asyncio.get_running_loop().create_future()
        self._fetch_waiters = {asyncio.get_running_loop().create_future()}

    async def _proc_fetch_request(self, *_: Any) -> bool:
        return self._brings

    def _notify(self, waiter: asyncio.Future[None]) -> None:
        if not waiter.done():
            waiter.set_result(None)

    async def take(self) -> None:
        """What the consumer does: wait for records, then take them."""
        await asyncio.wait(self._fetch_waiters)
        self._notify(self._wait_consume_future)


async def test_the_next_request_waits_until_what_came_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetching, "_TAKEN_WITHIN_S", 60.0)
    fetcher = Fetcher(brings=True)
    fetching.include_what_is_taken(fetcher)
    taking = asyncio.create_task(fetcher.take())

    assert await asyncio.wait_for(fetcher._proc_fetch_request(None, 0, None), 5)
    assert taking.done()
    assert fetcher._wait_consume_future.done()


async def test_a_consumer_that_is_busy_holds_up_nothing_for_long() -> None:
    fetcher = Fetcher(brings=True)
    fetching.include_what_is_taken(fetcher)

    assert await asyncio.wait_for(fetcher._proc_fetch_request(None, 0, None), 5)
    assert not fetcher._wait_consume_future.done()


async def test_a_response_without_records_is_followed_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetching, "_TAKEN_WITHIN_S", 60.0)
    fetcher = Fetcher(brings=False)
    fetching.include_what_is_taken(fetcher)

    assert not await asyncio.wait_for(fetcher._proc_fetch_request(None, 0, None), 5)
