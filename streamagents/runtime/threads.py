"""Threads: a plain function awaited from the event loop; no thread holds a stop up."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def call_in_thread(function: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
    """Call a function in a daemon thread of its own; the future has what it returns or raises.

    Executors join their threads when Python ends, so that one hanging agent would keep a worker
    from stopping. Whoever calls this bounds how many there are.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def work() -> None:
        result: Any = None
        error: BaseException | None = None
        try:
            result = context.run(function, *arguments)
        except StopIteration as exc:  # a future cannot carry it
            error = RuntimeError(f"the agent raised {exc!r}")
        except BaseException as exc:  # noqa: BLE001 - whatever it raises belongs to the caller
            error = exc
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:
            return  # the loop is closed: the worker has ended, nobody waits any more

    threading.Thread(target=work, name="streamagents-agent", daemon=True).start()
    return future
