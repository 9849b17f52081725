"""What `streamagents watch` and `streamagents bridge` show over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from streamagents.devkit.sockets import free_port
from support import wait_until
from support.ears import MODULE, Ear
from support.pages import Scrape, get, health
from support.topics import create_topics, spec
from support.workers import Fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


@pytest.fixture
async def fleet(broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Fleet]:
    (tmp_path / "drop").mkdir()
    made = Fleet(
        broker.address,
        tmp_path,
        module=MODULE,
        EARS_FOLDER=str(tmp_path / "drop"),
        EARS_REDIS=f"redis://127.0.0.1:{free_port()}",
        STREAMAGENTS_STUCK_AFTER_S="5",
    )
    made.environment["EARS_TOPIC"] = f"{made.prefix}old"
    async with made as fleet:
        yield fleet


@pytest.fixture
def start(fleet: Fleet) -> Iterator[Any]:
    """Starts a command; none outlives the test."""
    started: list[Ear] = []

    def begin(*arguments: str, **environment: str) -> Ear:
        log = fleet.folder / f"ear-{len(started)}.log"
        ear = Ear(log, {**fleet.environment, **environment}, *arguments, "-A", MODULE)
        started.append(ear)
        return ear

    yield begin
    for ear in started:
        if ear.process.poll() is None:
            ear.kill()


def reachable(port: int, source: str) -> float:
    return Scrape(port).value("source_reachable", source=source)


def test_a_watch_is_ready_while_its_folder_is_there(fleet: Fleet, start: Any) -> None:
    watch: Ear = start("watch")
    port, drop = watch.port, fleet.folder / "drop"
    wait_until(lambda: get(port, "/ready")[0] == 200, 30)
    assert Scrape(port).value("source_events_total", source="files/drop") == 0
    (drop / "a.csv").write_text("n,who\n1,ann\n2,bob\nx,eve\n")
    wait_until((drop / "done/a.csv").exists, 20)
    wait_until(lambda: Scrape(port).value("source_files_total", outcome="done") == 1, 5)
    assert Scrape(port).value("source_events_total", outcome="sent") == 2
    assert Scrape(port).value("source_events_total", outcome="rejected") == 1

    drop.rename(fleet.folder / "elsewhere")
    wait_until(lambda: get(port, "/ready")[0] == 503, 40)
    wait_until(lambda: health(port)["status"] == "stuck", 30)
    assert "files/drop has been away" in health(port)["reason"]
    assert get(port, "/live")[0] == 200
    assert reachable(port, "files/drop") == 0

    (fleet.folder / "elsewhere").rename(drop)
    wait_until(lambda: get(port, "/ready")[0] == 200, 20)
    assert health(port)["status"] == "ok"
    assert health(port)["sources"]["files/drop"]["files"] == {"done": 1, "failed": 0}
    assert watch.stop() == 0


async def test_a_bridge_is_ready_while_all_of_its_queues_are_there(
    fleet: Fleet, start: Any
) -> None:
    await create_topics(fleet.bootstrap, spec(fleet.topic("old"), partitions=1))
    await fleet.send("old", [(b"k", b'{"order": {"no": 1, "customer": {"mail": "k"}}}')])
    bridge: Ear = start("bridge", "old")
    port = bridge.port
    wait_until(lambda: get(port, "/ready")[0] == 200, 40)
    wait_until(lambda: Scrape(port).value("source_events_total", outcome="sent") == 1, 20)

    both: Ear = start("bridge")
    port = both.port
    wait_until(lambda: reachable(port, "bridge/old") == 1, 40)
    wait_until(lambda: health(port)["status"] == "stuck", 40)
    assert "bridge/redis has been away" in health(port)["reason"]
    assert get(port, "/ready")[0] == 503
    assert get(port, "/live")[0] == 200
    assert [ear.stop() for ear in (bridge, both)] == [0, 0]


def test_without_a_broker_they_are_alive_and_not_ready(fleet: Fleet, start: Any) -> None:
    watch: Ear = start("watch", STREAMAGENTS_BROKER="127.0.0.1:1")
    port = watch.port

    assert get(port, "/live")[0] == 200
    assert get(port, "/ready")[0] == 503
    assert health(port)["reason"] == "a Kafka broker is waited for"
    assert Scrape(port).value("build_info") == 1
    wait_until(lambda: health(port)["status"] == "stuck", 20)
    assert "no Kafka broker has answered" in health(port)["reason"]
    assert watch.stop() == 0


@pytest.mark.parametrize(
    ("command", "setting"),
    [("watch", "STREAMAGENTS_WATCH_PORT"), ("bridge", "STREAMAGENTS_BRIDGE_PORT")],
)
def test_a_port_that_is_taken_ends_them_with_one_sentence(
    command: str, setting: str, fleet: Fleet, start: Any
) -> None:
    first: Ear = start("watch")
    taken = str(first.port)
    second: Ear = start(command, **{setting: taken})

    assert second.process.wait(40) == 1
    (line,) = [line for line in second.said().splitlines() if "listened" in line]
    assert line.startswith(f"127.0.0.1:{taken} cannot be listened at (Address already in use)")
    assert setting in line
    assert "Traceback" not in second.said()


def test_off_is_no_page_at_all(fleet: Fleet, start: Any) -> None:
    watch: Ear = start("watch", STREAMAGENTS_WATCH_PORT="off")
    watch.wait_for("watching")

    assert "web_listens" not in watch.said()
    assert watch.stop() == 0
