"""From a request to `POST /events/ping` to its 202, at a steady rate, beside the broker."""

from __future__ import annotations

import asyncio
import statistics
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, listed
from benchmarks.process import BenchmarkError
from support.gateway_app import app
from support.gateway_process import GatewayProcess, Sender
from support.topics import create_topics

if TYPE_CHECKING:
    from benchmarks.plan import Plan
    from benchmarks.stage import Stage

RATE = 200
SECONDS = 10
WARM_UP_S = 2
TARGETS = {50: "", 99: "< 50"}


def measure(stage: Stage, plan: Plan) -> list[Figure]:
    """Rounds, each with a gateway of its own."""
    asyncio.run(create_topics(stage.broker.address, *app.specs()))
    senders = [_run(stage, plan) for _ in range(plan.rounds)]
    return [_figure(senders, percent) for percent in TARGETS]


def _run(stage: Stage, plan: Plan) -> Sender:
    folder = stage.folder / stage.name()
    folder.mkdir()
    with GatewayProcess(stage.broker.address, folder) as gateway:
        asyncio.run(Sender(gateway.url).run(RATE * WARM_UP_S, RATE))
        sender = Sender(gateway.url)
        asyncio.run(sender.run(RATE * SECONDS, RATE))
        rss = gateway.rss_mib
    if len(sender.accepted) != RATE * SECONDS:
        raise BenchmarkError(f"{len(sender.accepted)} of {RATE * SECONDS} events were accepted")
    plan.say(f"gateway: p99 {sender.percentile(0.99):.1f} ms, RSS {rss:.0f} MiB")
    return sender


def _figure(senders: list[Sender], percent: int) -> Figure:
    found = [sender.percentile(percent / 100) for sender in senders]
    refused = sum(len(sender.refused) for sender in senders)
    return Figure(
        scenario="gateway",
        name=f"request to 202 at {RATE} a second, p{percent}",
        value=statistics.median(found),
        unit="ms",
        rounds=tuple(found),
        target=TARGETS[percent],
        detail=f"rounds {listed(found, 1)}; {refused} refused and sent again",
    )
