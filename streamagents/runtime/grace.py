"""Grace: what running lanes get before they are cancelled."""

from __future__ import annotations

import asyncio

CANCELLED_S = 2.0
"""What a cancelled agent gets to clean up."""


async def ended(tasks: frozenset[asyncio.Task[None]], grace_s: float, hurry: asyncio.Event) -> None:
    """Wait for the tasks' end, so long as there is grace."""
    if not tasks:
        return
    ended, hurried = asyncio.ensure_future(asyncio.wait(tasks)), asyncio.ensure_future(hurry.wait())
    try:
        await asyncio.wait({ended, hurried}, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ended.cancel()
        hurried.cancel()


async def cancel(tasks: frozenset[asyncio.Task[None]]) -> None:
    """Cancel the tasks, and wait for their end within a bound."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=CANCELLED_S)
