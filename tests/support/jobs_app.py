"""The application of the promise tests: agents that do what their event says and keep a journal.

Uses the public API only, and runs in worker processes of its own (`faust -A support.jobs_app`).
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from streamagents import Context, Event, Reject, Route, create_app

_JOURNAL = os.open(
    Path(os.environ.get("JOBS_JOURNAL", os.devnull)), os.O_WRONLY | os.O_APPEND | os.O_CREAT
)


def note(*words: object) -> None:
    """One line, in one write: what a kill leaves is whole."""
    os.write(_JOURNAL, (" ".join(map(str, (*words, os.getpid()))) + "\n").encode())


_TIMEOUT_S = float(os.environ.get("JOBS_TIMEOUT_S", "60"))


class Job(Event, topic="job", key="who", id="n"):
    """Something to do. `n` is its id, `who` its key."""

    n: int
    who: str
    what: str = "nothing"
    seconds: float = 0.0


class JobDone(Event, topic="job_done", key="who"):
    """Something was done."""

    n: int
    who: str
    attempt: int


class Order(Event, topic="order"):
    """An event without a key field or an id field: the record's key and position count."""

    what: str = ""


class JobAgent:
    """Does the job."""

    async def run(self, job: Job, ctx: Context) -> JobDone:
        """Do what the event says."""
        note("start", job.n, job.who, ctx.event.attempt)
        match job.what:
            case "fail":
                ctx.emit(JobDone(n=job.n, who=job.who, attempt=-1))
                raise ValueError(f"job {job.n} cannot be done")
            case "fail once" if ctx.event.attempt == 1:
                raise ValueError("not at once")
            case "reject":
                raise Reject("not wanted")
            case "kill":
                os._exit(9)
            case "block":
                time.sleep(2)  # noqa: ASYNC251 - what an agent must not do
            case "dead" | "deaf" | "pause":
                await _ODD[job.what]()
            case "hang":
                await asyncio.to_thread(time.sleep, 3600)
            case "cancel":
                raise asyncio.CancelledError
            case "exit":
                raise SystemExit(3)
        await asyncio.sleep(job.seconds)
        note("end", job.n, job.who, ctx.event.attempt)
        return JobDone(n=job.n, who=job.who, attempt=ctx.event.attempt)


async def deaf() -> None:
    """Goes on for a while, whatever it is told."""
    until = time.monotonic() + 25
    while time.monotonic() < until:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(until - time.monotonic())


async def pause() -> None:
    """Holds the agent back, as a budget that is spent does."""
    until = datetime.now(UTC) + timedelta(seconds=25)
    app.pauses.pause("JobAgent", until=until, reason="for a test")


async def dead() -> None:
    """Holds the loop for ever."""
    time.sleep(3600)  # noqa: ASYNC251 - what an agent must not do


_ODD = {"dead": dead, "deaf": deaf, "pause": pause}


class OrderAgent:
    """A plain function, run in a thread."""

    def run(self, order: Order) -> None:
        """Take the order."""
        note("order", order.what, time.monotonic())


class Leftovers:
    """The fallback."""

    async def run(self, event: dict[str, object], ctx: Context) -> None:
        """Take note of it."""
        note("fallback", ctx.event.type, *sorted(event))


app = create_app(
    "jobs",
    agents={"job": Route(JobAgent(), backoff_s=0.2, timeout_s=_TIMEOUT_S), "order": OrderAgent()},
    fallback=Leftovers(),
)


@app.on_before_shutdown.connect  # type: ignore[untyped-decorator] # Faust is not typed for us
async def tell_what_faust_counted(app: Any, **_: Any) -> None:
    """Write down what Faust's own monitor says."""
    note("monitor", app.monitor.messages_received_total)
