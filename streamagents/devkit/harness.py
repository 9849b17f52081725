"""The harness: a whole application in one process. Broker, topics, and the Faust app as a service.

```python
async with Harness(app) as harness:      # topics exist, events are being handled
    ...
```
"""

from __future__ import annotations

import asyncio
import ipaddress
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self

import psutil

from streamagents.bus import KafkaAdmin
from streamagents.devkit.borrowed import BorrowedBroker, silent
from streamagents.errors import DevkitError, StreamAgentsError, TopicsError
from streamagents.topics import plan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from streamagents.runtime.app import StreamApp
    from streamagents.topics import TopicSpec

START_S = 60.0
"""What the application gets to start: it joins its group and recovers its state."""
_STOP_S = 10.0
"""What Faust gets to stop after the agents' own grace."""
_ANSWER_S = 10.0


class Harness:
    """Runs an application in this event loop, from entry to exit. An async context manager.

    Args:
        app: the application; a Faust app starts once in a process.
        notify: given a sentence when something takes longer than usual.
        stop_s: what the application gets to stop. Default: its agents' grace, and a margin.
        stuck: called when that was not enough. Faust's threads then keep Python from ending.
    """

    def __init__(
        self,
        app: StreamApp,
        *,
        notify: Callable[[str], None] = silent,
        stop_s: float | None = None,
        stuck: Callable[[], None] = lambda: None,
    ) -> None:
        self.app = app
        self._stuck = stuck
        self._stop_s = app.settings.shutdown_grace_s + _STOP_S if stop_s is None else stop_s
        self.broker = BorrowedBroker(app.settings, notify=notify)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start the broker, apply the topics, start the application.

        Raises:
            DevkitError: the broker or the application cannot be started.
            TopicsError: a topic has another number of partitions than the application wants.
        """
        async with AsyncExitStack() as stack:
            stack.push_async_callback(_to_its_end, lambda: self.broker.__exit__(None, None, None))
            await _to_its_end(self.broker.__enter__)
            await apply_topics(self.app)
            # Before the start: one that fails half-way leaves services behind.
            stack.push_async_callback(self._stop_app)
            await self._start_app()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def check(self) -> None:
        """See whether the application still runs.

        Raises:
            StreamAgentsError: it crashed, for this reason.
        """
        if self.app.crashed:
            raise _in_words(self.app.crash_reason)

    def rss_bytes(self) -> int:
        """Memory of this process and of the embedded broker."""
        return int(psutil.Process().memory_info().rss) + self.broker.rss_bytes

    async def _start_app(self) -> None:
        try:
            async with asyncio.timeout(START_S):
                await self.app.start()
        except TimeoutError as exc:
            raise DevkitError(
                f"The application {self.app.conf.id} did not start within {START_S:g} s."
            ) from exc

    async def _stop_app(self) -> None:
        """Drain and stop. What does not stop in time is left to the end of the process."""
        stopping = asyncio.ensure_future(self.app.stop())
        await asyncio.wait([stopping], timeout=self._stop_s)
        if stopping.done():
            stopping.result()
        else:
            self._stuck()
            stopping.cancel()


async def apply_topics(app: StreamApp) -> None:
    """Create what is missing. A foreign broker's topics keep the settings that they have.

    Raises:
        TopicsError: a topic has another number of partitions, or the broker refused.
        BrokerUnavailableError: no broker answered.
    """
    specs: Sequence[TopicSpec] = app.specs()
    names = [spec.name for spec in specs]
    wanted = {"create"} if app.settings.broker else {"create", "configure"}
    async with KafkaAdmin(app.settings.bootstrap, timeout_s=_ANSWER_S) as admin:
        changes = plan(specs, await admin.describe(names))
        if refused := [change for change in changes if change.action == "refuse"]:
            reasons = "; ".join(f"{change.spec.name} {change.reason}" for change in refused)
            raise TopicsError(
                f"The topics have another number of partitions than the application wants: "
                f"{reasons}. Set STREAMAGENTS_PARTITIONS (or `partitions=` of the event) to what "
                "is there, or name another folder with STREAMAGENTS_DATA_DIR."
            )
        await admin.apply([change for change in changes if change.action in wanted])
        await admin.wait_for(names, timeout_s=_ANSWER_S)


def is_loopback(bootstrap: str) -> bool:
    """Whether a broker list names nothing but this machine."""
    return all(_is_here(address.strip().rpartition(":")[0]) for address in bootstrap.split(","))


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False  # a name: it may be anywhere


def _in_words(reason: BaseException | None) -> StreamAgentsError:
    if isinstance(reason, StreamAgentsError):
        return reason
    error = DevkitError(f"The application crashed: {reason!r}.")
    error.__cause__ = reason
    return error


async def _to_its_end(work: Callable[[], Any]) -> None:
    """Run blocking work in a thread, also when cancelled: half a start would leave a broker."""
    thread = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(thread)
    except asyncio.CancelledError:
        await asyncio.wait([thread])
        raise
