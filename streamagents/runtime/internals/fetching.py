"""Fetching: the next request to a broker includes the partitions that the last one brought.

aiokafka asks again before anybody can have taken what has just arrived, and leaves those partitions
out. What comes next for them then waits until the others get something, or for the whole long poll:
at 100 events a second that was a late event in ten.
"""

from __future__ import annotations

import asyncio
from typing import Any

_TAKEN_WITHIN_S = 0.005
"""A consumer that is busy with other things does not hold up the next fetch for longer."""


def include_what_is_taken(fetcher: Any) -> None:
    """Let a fetcher wait a moment, after each response, until its records are taken."""
    fetch = fetcher._proc_fetch_request

    async def fetch_until_taken(assignment: Any, node_id: Any, request: Any) -> bool:
        brought = bool(await fetch(assignment, node_id, request))
        if brought:
            taken = fetcher._wait_consume_future
            for waiter in fetcher._fetch_waiters:
                fetcher._notify(waiter)
            await asyncio.wait([taken], timeout=_TAKEN_WITHIN_S)
        return brought

    fetcher._proc_fetch_request = fetch_until_taken
