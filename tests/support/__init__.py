"""What tests of every room share. Importable as `support`."""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PATIENCE_S = 30.0
"""What is there in a moment may take this long on a machine that others use; no promise's bound."""
_POLL_S = 0.02


def wait_until(condition: Callable[[], Any], timeout_s: float = PATIENCE_S) -> None:
    """Return once the condition holds; fail the test when it does not within the time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {_source(condition)}")
        time.sleep(_POLL_S)


async def wait_until_async(
    condition: Callable[[], Any | Awaitable[Any]], timeout_s: float = PATIENCE_S
) -> None:
    """Do the same without blocking the event loop; the condition may be a coroutine function."""
    deadline = time.monotonic() + timeout_s
    while True:
        holds = condition()
        if inspect.isawaitable(holds):
            holds = await asyncio.wait_for(holds, max(_POLL_S, deadline - time.monotonic()))
        if holds:
            return
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {_source(condition)}")
        await asyncio.sleep(_POLL_S)


def _source(condition: Callable[..., Any]) -> str:
    try:
        return inspect.getsource(condition).strip()
    except (OSError, TypeError):
        return repr(condition)
