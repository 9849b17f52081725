"""`python -m chaos`: rounds of chaos within a time budget, a new seed each unless one is given."""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

from chaos.plan import FAULT_KINDS, Size, make_plan
from chaos.round import Stage, play


def main() -> int:
    """Play rounds; 1 if one of them was red."""
    arguments = _arguments()
    root = arguments.folder or Path(tempfile.mkdtemp(prefix="streamagents-chaos-"))
    deadline = time.monotonic() + arguments.minutes * 60
    tally = {"GREEN": 0, "RED": 0}
    number = 0
    while number < arguments.rounds and (not number or time.monotonic() < deadline):
        seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed + number
        number += 1
        tally["GREEN" if _round(seed, root / f"seed-{seed}-{number}", arguments) else "RED"] += 1
    _say(f"{tally['GREEN']} green, {tally['RED']} red")
    return 1 if tally["RED"] else 0


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
    parser.add_argument("--limit", type=float, default=300.0, help="seconds of a round")
    parser.add_argument("--folder", type=Path, help="where rounds are kept; default: a new one")
    parser.add_argument("--port", type=int, default=0, help="the broker's; default: a free one")
    parser.add_argument("--keep", action="store_true", help="what green rounds leave, too")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
