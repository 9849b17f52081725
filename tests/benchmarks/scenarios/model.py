"""What `ctx.llm` costs beside the bare SDK: 500 calls at once, against a stub of the API."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, listed
from benchmarks.process import BenchmarkError
from benchmarks.stage import clean_env

if TYPE_CHECKING:
    from benchmarks.plan import Plan
    from benchmarks.stage import Stage

_ROUNDS = 3
"""Of calls in each round that was asked for: one takes a second."""
_LONGEST_S = 300.0


def measure(_stage: Stage, plan: Plan) -> list[Figure]:
    """In a process of its own, with steps in memory."""
    rounds = str(_ROUNDS * plan.rounds)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.asking", rounds],
        env=clean_env(),
        check=False,
        capture_output=True,
        text=True,
        timeout=_LONGEST_S,
    )
    if done.returncode:
        raise BenchmarkError(f"nothing was asked: {done.stderr[-500:]}")
    spent: dict[str, list[float]] = json.loads(done.stdout)
    middle = {name: statistics.median(values) for name, values in spent.items()}
    plan.say(f"model: {', '.join(f'{name} {value:.2f} ms' for name, value in middle.items())}")
    over = [us - bare for us, bare in zip(spent["ours"], spent["sdk, aiohttp"], strict=True)]
    return [
        Figure(
            scenario="model",
            name="a call of ctx.llm over the bare SDK, CPU",
            value=statistics.median(over),
            unit="ms",
            rounds=tuple(over),
            target="<= 2",
            detail=f"500 at once, rounds {listed(over, 2)}; over the SDK on the same transport "
            f"({middle['sdk, aiohttp']:.2f} ms a call; as it comes {middle['sdk']:.2f} ms)",
        )
    ]
