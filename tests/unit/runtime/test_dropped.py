"""Dropped: a partition that is given up in the middle of a poll takes no more of it."""

from __future__ import annotations

from streamagents.pipeline.identity import seen_key
from support.desks import OwnedBench
from support.records import ada, turns
from support.stores import FakeStore


async def test_a_defect_costs_the_partition_and_not_the_stream_that_hands_over() -> None:
    newer = {seen_key("order", "", "order:0:1", b"ada"): b"\xff"}
    bench = OwnedBench(store=FakeStore(newer))

    def lose(why: BaseException) -> None:
        bench.lost.append(why)
        bench.partition.drop()

    bench.partition._lost = lose
    bench.begin()
    await bench.deliver(*ada(0))
    bench.poll(*ada(1), b"no json", *ada(2))  # the first cannot be judged
    await turns()

    assert len(bench.lost) == 1
    assert bench.reports.of("started") == [0]
