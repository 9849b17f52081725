"""`python -m drill`: the operator's drill in full, on a broker of its own. `--short`: in short."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from drill.checker import in_words
from drill.play import HOME_S, LONG, SHORT, Drill
from streamagents.devkit.broker import EmbeddedBroker
from streamagents.devkit.sockets import free_port


def main() -> int:
    """Play a drill and print its timeline; 1 if a promise was broken, or it took too long."""
    parser = argparse.ArgumentParser(prog="python -m drill", description=__doc__)
    parser.add_argument("--short", action="store_true", help="half a minute, no broker restart")
    parser.add_argument("--app", default="drill.app", help="as for `faust -A`")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # or processes would be left behind
    folder = Path(tempfile.mkdtemp(prefix="streamagents-drill-"))
    with EmbeddedBroker(folder / "broker", free_port()) as broker:
        scenes = SHORT if arguments.short else LONG
        drill = Drill(broker, folder, scenes, prefix="", app=arguments.app)
        ending = asyncio.run(drill.play())
    counted = f"{ending.events:,} events, {ending.letters:,} letters, home in {ending.home_s:.1f} s"
    sys.stdout.write(f"{counted}: {in_words(ending.broken)}\n")
    return 1 if ending.broken or ending.home_s > HOME_S else 0


if __name__ == "__main__":
    sys.exit(main())
