"""`streamagents dev` as a person runs it, on a tiny application that is edited meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import pytest

from streamagents.devkit.sockets import free_port
from support import wait_until
from support.commands import ANY_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

CHECKOUT = Path(__file__).parents[2]
APP = """
from typing import Any
from streamagents import Event, create_app

class Ping(Event, topic="ping", key="who"):
    who: str

class OnPing:
    async def run(self, ping: Ping) -> None:
        print(f"{word} {{ping.who}}", flush=True)

class Fallback:
    async def run(self, event: dict[str, Any]) -> None: ...

app = create_app("tiny", agents={{"ping": OnPing()}}, fallback=Fallback())
"""


class Dev:
    """`streamagents dev --app tiny` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._output = folder, folder / "out.txt"
        self.gateway_port = free_port()
        self._env = {
            **os.environ,
            "PYTHONPATH": str(CHECKOUT),
            "STREAMAGENTS_DATA_DIR": str(folder / "data"),
            **ANY_PORT,
            "STREAMAGENTS_KAFKA_PORT": str(free_port()),
            "STREAMAGENTS_GATEWAY_PORT": str(self.gateway_port),
        }
        self.write(APP.format(word="one"))
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamagents", "dev", "--app", "tiny"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._env,
                cwd=folder,
            )

    def write(self, source: str) -> None:
        """Change the application, as an editor does it: whole or not at all."""
        draft = self._folder / "tiny.draft"
        draft.write_text(source)
        draft.replace(self._folder / "tiny.py")

    def send(self, who: str) -> None:
        subprocess.run(
            [
                *(sys.executable, "-m", "streamagents", "send", "ping", "--app", "tiny"),
                *("--data", f'{{"who": "{who}"}}'),
            ],
            check=True,
            capture_output=True,
            timeout=60,
            env=self._env,
            cwd=self._folder,
        )

    def said(self) -> str:
        return self._output.read_text()

    def wait_for(self, *words: str, timeout_s: float = 90) -> None:
        wait_until(
            lambda: all(word in self.said() for word in words) or self.process.poll() is not None,
            timeout_s,
        )
        assert self.process.poll() is None, self.said()


@pytest.fixture
def dev(kafka_runs: None, tmp_path: Path) -> Iterator[Dev]:
    running = Dev(tmp_path)
    yield running
    for _ in range(2):  # the second one ends it at once, its worker and its broker
        if running.process.poll() is None:
            running.process.send_signal(signal.SIGTERM)
    running.process.wait(timeout=30)


def test_a_change_starts_the_worker_anew_and_a_broken_one_waits(dev: Dev) -> None:
    dev.wait_for("The worker of tiny starts", "intake_begins")
    dev.send("ana")
    # Faust prints what agents print word by word, each with its time.
    dev.wait_for("one ana")

    dev.write("boom = nothing\n")
    dev.wait_for("Changed: tiny.py", "NameError: name 'nothing' is not defined (tiny.py, line 1)")

    dev.write(APP.format(word="two"))
    wait_until(lambda: dev.said().count("The worker of tiny starts") == 2, 60)
    dev.send("bo")
    dev.wait_for("two bo")
    assert "two ana" not in dev.said()

    dev.process.send_signal(signal.SIGINT)
    assert dev.process.wait(timeout=60) == 0
    assert "Traceback" not in dev.said()


def test_a_folder_that_the_application_names_is_watched(dev: Dev, tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    dev.wait_for("The worker of tiny starts, and gateway.")
    watched = f"triggers=[Folder('drop', {str(tmp_path / 'inbox')!r}, to=Ping, settle_s=0.2)])"
    source = APP.format(word="one").rstrip().removesuffix(")")
    dev.write(f"from streamagents.triggers import Folder\n{source}, {watched}\n")
    dev.wait_for("The worker of tiny starts, and gateway, watch.", timeout_s=90)

    (tmp_path / "inbox" / "pings.jsonl").write_text('{"who": "eva"}\n')

    dev.wait_for("one eva", timeout_s=90)


def test_events_can_be_posted_beside_the_worker(dev: Dev) -> None:
    dev.wait_for("intake_begins", "gateway_serves", "broker_found")
    request = Request(
        f"http://127.0.0.1:{dev.gateway_port}/events/ping",
        data=b'{"who": "ana"}',
        headers={"Content-Type": "application/json"},
    )

    with urlopen(request, timeout=30) as answer:
        assert answer.status == 202
    dev.wait_for("one ana")

    dev.process.send_signal(signal.SIGINT)
    assert dev.process.wait(timeout=60) == 0
    assert "gateway_ended" in dev.said()
    assert "Traceback" not in dev.said()


def test_an_application_that_is_not_there_is_waited_for(dev: Dev) -> None:
    dev.write('app = "none"\n')
    dev.wait_for("The module 'tiny' has no `app = create_app(...)`. Waiting for a change.")

    dev.process.send_signal(signal.SIGINT)
    assert dev.process.wait(timeout=30) == 0
    assert "Traceback" not in dev.said()
