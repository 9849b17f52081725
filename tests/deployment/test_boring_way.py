"""The boring way on one small machine, for real: cron's script, a broker, our processes."""

from __future__ import annotations

import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from support import wait_until
from support.small_server import MIB, NAMES, SmallServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

EVENTS = 1_000
"""A day's, at once."""
MOST_MIB = 700


@pytest.fixture
def server(kafka_runs: None, tmp_path: Path) -> Iterator[SmallServer]:
    made = SmallServer(tmp_path)
    yield made
    made.stop()


@pytest.mark.long
def test_it_starts_fits_a_small_server_and_comes_back(
    server: SmallServer, record_property: Callable[[str, object], None]
) -> None:
    code, said = server.minute()
    assert code == 0, said
    assert all(f"The {name} was down" in said for name in NAMES)
    assert server.minute() == (0, "")

    most = load(server)
    record_property("mib", most)
    assert sum(most.values()) <= MOST_MIB, most

    for name in NAMES[1:]:
        server.process(name).kill()
    server.process("broker").send_signal(signal.SIGSTOP)
    code, said = server.minute()
    assert code == 0, said
    assert "The broker lives, but does not answer: it is ended." in said
    assert all(f"The {name} was down" in said for name in NAMES)
    assert server.minute() == (0, "")


def load(server: SmallServer) -> dict[str, int]:
    """Send a day's events at once, wait for what becomes of them; the most MiB meanwhile."""
    most = server.memory()
    server.send(range(EVENTS))

    def done() -> bool:
        nonlocal most
        most = Counter(most | server.memory())  # the larger of each
        return server.classified() == EVENTS

    wait_until(done, 120)
    return {name: found // MIB for name, found in most.items()}
