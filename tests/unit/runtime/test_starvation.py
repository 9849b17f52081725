"""Starvation: whoever waits for an agent gets his turn, whatever else waits for it, too."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

from streamagents.agents import Route, build_registry
from streamagents.runtime import delayed
from streamagents.runtime.engine import Engine
from support.bench import worker
from support.desks import OwnedBench
from support.records import Anything, Order, registration, turns


class Both:
    """One agent of two types, one event at a time."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def run(self, event: dict[str, Any]) -> None:
        self.calls.append(event["name"])
        await asyncio.sleep(0)


async def test_both_topics_of_an_agent_get_their_turn() -> None:
    agent = Both()
    agents = build_registry(
        {"a": Route(agent, in_flight=1), "b": Route(agent, in_flight=1)}, fallback=Anything()
    ).agents
    bench = OwnedBench(agents["a"], agents["b"]).begin()

    def more(topic: str, count: int) -> None:
        at = bench._next.get(topic, 0)
        bench.poll(
            *(b'{"name":"%b%d"}' % (topic.encode(), number) for number in range(at, at + count)),
            topic=topic,
        )

    more("a", 20)
    await turns(3)
    more("b", 1)  # in hand, and its agent serves it first come, first served
    for _ in range(50):  # `a` has a backlog in Kafka: it never runs dry
        await turns(10)
        more("a", 5)

    await bench.partition.close()
    await turns(50)
    assert "b0" in agent.calls, f"{len(agent.calls)} events of the other topic overtook it"


class Slow:
    """One at a time."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    async def run(self, order: Order) -> None:
        self.calls.append(order.amount)
        await asyncio.sleep(0)


async def test_a_backlog_of_delayed_events_does_not_keep_out_the_new_ones(
    monkeypatch: Any,
) -> None:
    monkeypatch.setattr(delayed, "MAX_LOADED", 20)
    agent = Slow()
    bench = OwnedBench(registration(agent, in_flight=1)).begin()
    due = [b'{"customer":"c%d","amount":%d}' % (n, n) for n in range(200)]
    at = bench.clock.now() + timedelta(seconds=60)
    later = (("streamagents-not-before", at.strftime("%Y-%m-%dT%H:%M:%SZ").encode()),)
    await bench.deliver(*due, headers=later)
    assert agent.calls == []
    bench.clock.advance(120)
    bench.partition.tick()
    await turns(2)
    bench.poll(b'{"customer":"new","amount":1000}')
    for _ in range(200):
        await turns(3)
        bench.partition.tick()
        if 1000 in agent.calls:
            break
    place = agent.calls.index(1000) if 1000 in agent.calls else len(agent.calls)

    await bench.partition.close()
    await turns(50)
    assert place <= 60, f"{place} delayed events went first, 20 of them were in hand"


class Piece:
    """What an owned partition does in `admit`, for two agents with endless backlogs."""

    def __init__(
        self, gate: Any, agents: dict[str, Any], ran: dict[str, list[int]], me: int
    ) -> None:
        self.gate, self.agents, self.ran, self.me = gate, agents, ran, me

    def admit(self) -> None:
        for name, agent in self.agents.items():
            while self.gate.has_room(agent):
                self.gate.take(agent)
                self.ran[name].append(self.me)


async def test_two_agents_that_take_turns_serve_all_partitions() -> None:
    owner = worker()
    engine = Engine(SimpleNamespace(), sources={}, worker=owner, tables={}, limit=10, release_s=1.0)
    agents = {name: registration(Slow(), in_flight=1) for name in "xy"}
    ran: dict[str, list[int]] = {"x": [], "y": []}
    engine._owned = {
        (4, number): cast("Any", Piece(owner.gate, agents, ran, number)) for number in range(4)
    }
    engine._refill()
    for _ in range(100):
        for name in "xy":  # each takes a second, one is half a second behind
            owner.gate.give(agents[name])
            await turns(2)

    assert set(ran["x"]) == set(ran["y"]) == {0, 1, 2, 3}
