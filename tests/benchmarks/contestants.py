"""Who is measured: how each is started, and what it promises meanwhile."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A runtime, or none."""

    name: str
    start: tuple[str, ...]
    """What follows `python -m`."""
    promise: str
    """What it guarantees while it is measured: no rate means anything without."""
    is_peer: bool = False
    """Lives in the peers' environment."""

    def command(self, peers: Path | None) -> list[str]:
        """What to run."""
        return [str(peers) if self.is_peer else sys.executable, "-m", *self.start]


_FAUST = ("worker", "--loglevel", "warn", "--without-web")

OURS = Contestant(
    name="streamagents",
    start=("faust", "-A", "benchmarks.app", *_FAUST),
    promise="each id once, in order per key, retries and dead letters; an event counts when its "
    "mark is committed in Kafka and written to RocksDB",
)
QUIX = Contestant(
    name="Quix Streams",
    start=("benchmarks.peers.quix",),
    promise="at least once, in order per partition; an event counts when it is handled, its mark "
    "is written at the next checkpoint (every 5 s); JSON as dicts, no model",
    is_peer=True,
)
FASTSTREAM = Contestant(
    name="FastStream + rocksdict",
    start=("faststream", "run", "benchmarks.peers.faststream:app"),
    promise="at most once (ACK_FIRST, its default); marks lie on this machine only, no changelog",
    is_peer=True,
)
BARE_FAUST = Contestant(
    name="bare Faust + table",
    start=("faust", "-A", "benchmarks.peers.bare_faust", *_FAUST),
    promise="at least once, no order per key among failures, no retry, no dead letter; the mark "
    "is sent to the changelog, but an event counts before that is acknowledged",
)
PLAIN = Contestant(
    name="plain aiokafka loop",
    start=("benchmarks.peers.plain_aiokafka",),
    promise="the limit: one loop, no framework, no recovery; an event counts when the changelog "
    "record of its own is acknowledged",
    is_peer=True,
)
