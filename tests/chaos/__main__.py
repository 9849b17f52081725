"""`python -m chaos`: rounds of chaos within a time budget, a new seed each unless one is given."""

from __future__ import annotations

import argparse
import secrets
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from chaos.plan import FAULT_KINDS, Size, make_plan
from chaos.round import Stage, play


def main() -> int:
    """Play rounds; 1 if one of them was red."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # or workers would be left behind
    root = arguments.folder or Path(tempfile.mkdtemp(prefix="streamagents-chaos-"))
    deadline = time.monotonic() + arguments.minutes * 60
    tally: Counter[str] = Counter()
    number = 0
    while number < arguments.rounds and (not number or time.monotonic() < deadline):
        seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed + number
        number += 1
        folder = root / f"seed-{seed}-{number}"
        try:
            tally["green" if _round(seed, folder, arguments) else "red"] += 1
        except Exception:  # noqa: BLE001 - a round that could not be played says so, and the next goes on
            tally["broken off"] += 1
            _say(f"seed {seed} was broken off, see {folder}:\n{traceback.format_exc()}")
    _say(", ".join(f"{count} {what}" for what, count in tally.items()))
    return 0 if set(tally) == {"green"} else 1


def _round(seed: int, folder: Path, arguments: argparse.Namespace) -> bool:
    _say(f"seed {seed}")
    plan = make_plan(seed, _size(arguments))
    stage = Stage(folder=folder, app=arguments.app, limit_s=arguments.limit, port=arguments.port)
    verdict = play(plan, stage)
    _say(verdict.line())
    if verdict.green and not arguments.keep:
        shutil.rmtree(folder)
    else:
        _say(f"logs and data: {folder}")
    return verdict.green


def _size(arguments: argparse.Namespace) -> Size:
    return Size(
        events=arguments.events,
        faults=arguments.faults,
        poisons=arguments.poisons,
        kinds=tuple(arguments.kinds.split(",")),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="of the first round; default: a new one each")
    parser.add_argument("--rounds", type=int, default=1_000_000, help="at most so many")
    parser.add_argument("--minutes", type=float, default=15.0, help="no round begins after that")
    parser.add_argument("--events", type=int, default=Size.events)
    parser.add_argument("--faults", type=int, default=Size.faults)
    parser.add_argument("--poisons", type=int, help="default: the seed draws 0, 1 or 2")
    parser.add_argument("--kinds", default=",".join(FAULT_KINDS), help="of faults, comma-separated")
    parser.add_argument("--app", default="chaos.app", help="as for `faust -A`")
    parser.add_argument("--limit", type=float, default=480.0, help="seconds of a round")
    parser.add_argument("--folder", type=Path, help="where rounds are kept; default: a new one")
    parser.add_argument("--port", type=int, default=0, help="the broker's; default: a free one")
    parser.add_argument("--keep", action="store_true", help="what green rounds leave, too")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
