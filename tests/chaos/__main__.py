"""`python -m chaos`: rounds of chaos, a new seed each unless one is given.

`make chaos` plays one of a quarter of an hour; `--short` ones take two minutes.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from chaos.deeds import DEEDS
from chaos.makers import EVENT_MAKERS
from chaos.plan import make_plan
from chaos.round import Stage, play
from chaos.size import FAULT_KINDS, LONG, SHORT, Size
from chaos.tally import Tally

_NODES = 3


def main() -> int:
    """Play rounds; 1 if one of them was not green."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # or workers would be left behind
    root = arguments.folder or Path(tempfile.mkdtemp(prefix="streamagents-chaos-"))
    tally = Tally(arguments.tally or root / "tally.jsonl")
    deadline = time.monotonic() + arguments.minutes * 60
    try:
        for number in range(arguments.rounds):
            if number and time.monotonic() >= deadline:
                break
            fresh = arguments.seed is None
            seed = secrets.randbelow(1_000_000) if fresh else arguments.seed + number
            folder = root / f"seed-{seed}-{number + 1}"
            tally.add(seed, _round(seed, folder, arguments), replay=_replay(seed))
    finally:
        _say(tally.summary())
    return 0 if tally.green else 1


def _round(seed: int, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    _say(f"seed {seed}; again: {_replay(seed)}")
    stage = Stage(folder=folder, app=arguments.app, limit_s=arguments.limit, port=arguments.port)
    try:
        verdict = play(make_plan(seed, _size(arguments)), stage)
    except Exception as exc:  # noqa: BLE001 - a round that could not be played says so, and the next goes on
        _say(f"broken off, see {folder}:\n{traceback.format_exc()}")
        return {"verdict": "BROKEN OFF", "error": repr(exc)}
    _say(verdict.line())
    if verdict.green and not arguments.keep:
        shutil.rmtree(folder)
    else:
        _say(f"logs and data: {folder}")
    return verdict.row()


def _size(arguments: argparse.Namespace) -> Size:
    size = SHORT if arguments.short else LONG
    named = {name: getattr(arguments, name) for name in ("events", "faults", "poisons")}
    size = replace(size, **{name: value for name, value in named.items() if value is not None})
    kinds = arguments.kinds.split(",")
    return replace(
        size,
        kinds=tuple(arguments.fault_kinds.split(",")),
        only=tuple(kind for kind in kinds if kind in EVENT_MAKERS),
        deeds=tuple(kind for kind in kinds if kind in DEEDS),
        brokers=_NODES if arguments.cluster else 1,
    )


def _replay(seed: int) -> str:
    """The command that plays this round again."""
    keep = _without(sys.argv[1:], ("--seed", "--rounds", "--tally", "--folder"))
    return " ".join(["python -m chaos", f"--seed {seed}", "--rounds 1", *keep])


def _without(arguments: list[str], names: tuple[str, ...]) -> list[str]:
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if skip or argument.startswith(names):
            skip = not skip and "=" not in argument
        else:
            kept.append(argument)
    return kept


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    add = parser.add_argument
    add("--seed", type=int, help="of the first round; default: a new one each")
    add("--rounds", type=int, default=1)
    add("--minutes", type=float, default=1e9, help="no round begins after that")
    add("--short", action="store_true", help="rounds of 2,500 events and 7 faults")
    add("--cluster", action="store_true", help="three brokers, replication 3, min.insync 2")
    add("--events", type=int)
    add("--faults", type=int)
    add("--poisons", type=int, help="default: the seed draws 0, 1 or 2")
    add("--kinds", default=",".join((*EVENT_MAKERS, *DEEDS)), help="of events and their deeds")
    add("--fault-kinds", default=",".join(FAULT_KINDS))
    add("--app", default="chaos.app", help="as for `faust -A`")
    add("--limit", type=float, default=1500.0, help="seconds of a round")
    add("--folder", type=Path, help="where rounds are kept; default: a new one")
    add("--tally", type=Path, help="rounds are appended there; default: in the folder")
    add("--port", type=int, default=0, help="the broker's; default: a free one")
    add("--keep", action="store_true", help="what green rounds leave, too")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
