"""Many waits: what waits in the state costs little memory, and comes once and on time."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
import pytest

from support import wait_until_async
from support.workers import Fleet, job

if TYPE_CHECKING:
    import subprocess

pytestmark = pytest.mark.kafka

LATE_S = 1.0
AT_A_KILL_S = 2.0
"""What ended so shortly before a kill may not have been durable, and runs again."""
CATCH_UP_S = 5.0
"""For what came due while nobody owned its partition."""
IN_ALL_S = 600.0
"""For all of it, where the machine is slower than what comes due."""
WARM = 2000
LEAD_S = 32.0
"""At least from the first record to the first that is due: what waits less is not parked."""
SLOWER = 6
"""Times slower than a call is what makes another and puts it away, at most."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much waits, and when."""

    delayed: int
    parked: int
    a_second: int


SHORT = Size(delayed=5_000, parked=500, a_second=150)
LONG = Size(delayed=100_000, parked=10_000, a_second=250)


@dataclass(frozen=True, slots=True)
class Made:
    """A call that was made."""

    n: int
    at: float
    pid: int


def made(fleet: Fleet) -> list[Made]:
    return [Made(int(n), float(at), int(pid)) for n, _, _, at, pid in fleet.lines("call")]


def count(fleet: Fleet) -> int:
    """How many calls were made; cheap enough to be asked again and again."""
    return fleet.journal.read_bytes().count(b"\ncall ")


def missing(calls: list[Made], size: Size) -> set[int]:
    """The delayed ones that have not come yet."""
    return set(range(-size.delayed, 0)) - {call.n for call in calls}


def rss_mib(worker: subprocess.Popen[bytes]) -> int:
    return int(psutil.Process(worker.pid).memory_info().rss >> 20)


async def fill(fleet: Fleet, size: Size, begin: float) -> None:
    """Calls that remind of themselves, one after the other from `begin` on, and parked ones."""
    parked_s = begin - time.time()
    engaged = {"what": "later", "seconds": parked_s, "sent_at": time.time()}
    first = size.delayed + 1
    await fleet.send(
        "call", [job(n, f"p{n}", **engaged) for n in range(first, first + size.parked)]
    )
    await fleet.send(
        "call",
        [
            job(n, f"k{n}", what="remind", sent_at=begin + n / size.a_second)
            for n in range(1, size.delayed + 1)
        ],
    )


async def handed_over(fleet: Fleet, before: int) -> None:
    """Wait until another assignment has begun."""

    def begun() -> bool:
        return fleet.log.read_text().count("intake_begins") > before

    await wait_until_async(begun, 60)


async def disturb(
    fleet: Fleet, first: subprocess.Popen[bytes], begin: float, until: float
) -> list[tuple[float, float]]:
    """A second worker comes, the first is killed: when nobody owned some of the partitions."""
    await wait_until_async(lambda: time.time() > begin + (until - begin) / 4, until)
    from_ = time.time()
    fleet.start()
    away = [(from_, time.time() + CATCH_UP_S)]
    await wait_until_async(lambda: time.time() > begin + (until - begin) / 2, until)
    before = fleet.log.read_text().count("intake_begins")
    from_ = time.time()
    fleet.kill(first)
    await handed_over(fleet, before)
    away.append((from_ - LATE_S, time.time() + CATCH_UP_S))
    return away


def lateness(calls: list[Made], due: dict[int, float]) -> list[tuple[float, float]]:
    """When each was due, and how late it came first; in the order of lateness."""
    firsts: dict[int, float] = {}
    for call in calls:
        if call.n in due:
            firsts.setdefault(call.n, call.at)
    return sorted(((due[n], at - due[n]) for n, at in firsts.items()), key=lambda pair: pair[1])


def waited(calls: list[Made], size: Size, begin: float) -> list[float]:
    """How late the parked ones came; who was put off a little later, is due a little later."""
    times: dict[int, list[float]] = {}
    for call in calls:
        if size.delayed < call.n < 10**7:
            times.setdefault(call.n, []).append(call.at)
    parked_s = begin - min(at[0] for at in times.values())
    return sorted(at[1] - at[0] - parked_s for at in times.values() if len(at) > 1)


def told(name: str, late: list[float]) -> str:
    share = sum(one <= LATE_S for one in late) / len(late)
    parts = [late[min(len(late) - 1, round(len(late) * p))] for p in (0.5, 0.9, 0.99, 0.999)]
    spread = " / ".join(f"{part:.2f}" for part in parts)
    return (
        f"{name}: {len(late):,} came {late[0]:.2f} to {late[-1]:.2f} s late, "
        f"{spread} s at p50 / p90 / p99 / p99.9, {share:.2%} within {LATE_S:g} s\n"
    )


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(SHORT, marks=pytest.mark.timeout(900)),
        pytest.param(LONG, marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
    ids=["5,000", "100,000"],
)
async def test_what_waits_costs_little_and_comes_once_and_on_time_through_a_kill_and_a_rebalance(
    works: Fleet, size: Size
) -> None:
    first = works.start()
    began = time.time()
    await works.send("call", [job(10**7 + n, f"w{n}") for n in range(WARM)])
    await works.settled()
    sizes = [rss_mib(first)]
    lead_s = max(LEAD_S, SLOWER * (time.time() - began) * size.delayed / WARM)
    begin = time.time() + lead_s
    await fill(works, size, begin)
    while count(works) < WARM + size.parked + size.delayed - 1:
        await wait_until_async(
            lambda: count(works) >= WARM + size.parked + size.delayed * len(sizes) // 4 - 1,
            lead_s,
        )
        sizes.append(rss_mib(first))
    await works.settled(lead_s)  # the commit position has passed all that waits
    sizes.append(rss_mib(first))
    assert time.time() < begin, "this machine is too slow for this test"
    assert not any(call.n < 0 for call in made(works))

    until = begin + size.delayed / size.a_second
    away = await disturb(works, first, begin, until)
    killed_at = away[1][0] + LATE_S
    every = WARM + 2 * (size.parked + size.delayed)
    await wait_until_async(lambda: count(works) >= every - 1, until - time.time() + IN_ALL_S)
    await wait_until_async(lambda: not missing(made(works), size), 60)
    await works.settled(120)
    calls = made(works)

    due = {-n: begin + n / size.a_second for n in range(1, size.delayed + 1)}
    late = lateness(calls, due)
    undisturbed = [by for at, by in late if not any(a <= at <= b for a, b in away)]
    sys.stderr.write(
        f"\nRSS in MiB, warm, at each quarter of {size.delayed:,} delayed, settled: {sizes}\n"
        + told("all", [by for _, by in late])
        + told("with an owner", undisturbed)
        + told("parked", waited(calls, size, begin))
        + f"load {os.getloadavg()[0]:.1f}\n"
    )
    assert len(late) == size.delayed
    assert late[0][1] > -0.05
    again = Counter(call.n for call in calls if call.n < 0)
    twice = [call for call in calls if again[call.n] > 1 and call.pid == first.pid]
    assert len(twice) == sum(times - 1 for times in again.values())
    assert all(killed_at - call.at < AT_A_KILL_S for call in twice)
    parked = Counter(call.n for call in calls if size.delayed < call.n < 10**7)
    assert len(parked) == size.parked
    assert set(parked.values()) == {2}  # put off, and taken
    assert undisturbed[len(undisturbed) // 2] <= LATE_S
    assert sizes[-1] - sizes[0] < 150
    assert not await works.letters("call")
