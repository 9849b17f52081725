"""`python -m benchmarks`: the figures of this machine as a table, as JSON, as a chart."""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from benchmarks.plan import Plan
from benchmarks.process import BenchmarkError
from benchmarks.report import describe_machine, show
from benchmarks.scenarios import (
    boring,
    gateway,
    latency,
    letters,
    memory,
    model,
    noop,
    restart,
    slow,
    sustained,
    takeover,
)
from benchmarks.stage import CHECKOUT, Stage, clean_env
from streamagents.devkit.broker import EmbeddedBroker
from streamagents.devkit.sockets import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.figures import Figure

SCENARIOS: dict[str, Callable[[Stage, Plan], Iterable[Figure]]] = {
    "noop": noop.measure,
    "sustained": sustained.measure,
    "restart": restart.measure,  # after it: it restarts a worker of it
    "slow": slow.measure,
    "latency": latency.measure,
    "takeover": takeover.measure,
    "memory": memory.measure,
    "model": model.measure,
    "gateway": gateway.measure,
    "boring": boring.measure,
    "letters": letters.measure,
}
PEERS = CHECKOUT / ".venv-bench" / "bin" / "python"


def main() -> None:
    """Measure and show."""
    arguments = _arguments()
    # The broker is detached and would outlive us: leave through the context managers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # its retries are no news here
    console = Console(stderr=True, highlight=False)
    plan = Plan(
        rounds=arguments.rounds,
        long=arguments.long,
        alone=arguments.alone,
        peers=arguments.peers.absolute() if arguments.peers.exists() else None,
        say=console.print,
    )
    if not plan.peers:
        plan.say(f"Some peers are left out: there is no {arguments.peers}")
    # Kept when something fails: the error names the log in it.
    folder = Path(tempfile.mkdtemp(prefix="streamagents-bench-"))
    loads = [os.getloadavg()[0]]
    figures, complete = _measure(folder, plan, arguments.only)
    loads.append(os.getloadavg()[0])
    found: dict[str, object] = {
        "machine": describe_machine(loads),
        "figures": [asdict(figure) for figure in figures],
    }
    if arguments.json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        show(figures, describe_machine(loads))
    if arguments.chart:
        _draw(arguments.peers, found, arguments.chart)
    if not complete:
        sys.exit(1)
    shutil.rmtree(folder)


def _measure(folder: Path, plan: Plan, only: list[str]) -> tuple[list[Figure], bool]:
    """Everything that was asked for; a scenario that fails does not take the others with it."""
    figures: list[Figure] = []
    complete = True
    command = "--long " if plan.long else ""
    with EmbeddedBroker(folder / "broker", free_port()) as broker:
        stage = Stage(folder, broker, plan.peers)
        for name, measure in SCENARIOS.items():
            if name not in only:
                continue
            again = f'make bench ARGS="{command}--only {name}"'
            try:
                for figure in measure(stage, plan):  # those before an error count
                    load = os.getloadavg()[0]
                    figures.append(replace(figure, command=again, load=load))
            except BenchmarkError as exc:
                plan.say(f"{name}: {exc}")
                complete = False
    return figures, complete


def _draw(peers: Path, found: dict[str, object], file: Path) -> None:
    command = [str(peers), "-m", "benchmarks.chart", str(file)]
    subprocess.run(command, env=clean_env(), input=json.dumps(found), text=True, check=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--chart", type=Path, metavar="FILE.png", help="draw one, too")
    parser.add_argument(
        "--only", nargs="+", choices=SCENARIOS, default=list(SCENARIOS), help="measure only these"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of which medians are taken")
    parser.add_argument(
        "--long", action="store_true", help="5,000,000 ids, and rounds of what takes minutes"
    )
    parser.add_argument("--alone", action="store_true", help="measure ours only")
    parser.add_argument(
        "--peers", type=Path, default=PEERS, help="Python that has the peers; default: %(default)s"
    )
    arguments = parser.parse_args()
    if arguments.chart and not {"noop", "slow"} & set(arguments.only):
        parser.error("the chart shows the scenarios noop and slow")
    if arguments.chart and not arguments.peers.exists():
        parser.error(f"the peers' environment draws the chart, and there is no {arguments.peers}")
    return arguments


if __name__ == "__main__":
    main()
