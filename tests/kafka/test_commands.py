"""`streamagents topics` and `send` as a user runs them, against a real broker."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.bus import read_all
from streamagents.topics import Layout
from support.commands import streamagents

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = pytest.mark.kafka

APP = """
from typing import Any
from streamagents import Event, create_app

class Lead(Event, topic="lead", key="email"):
    email: str

class OnLead:
    async def run(self, lead: Lead) -> None: ...

class Fallback:
    async def run(self, event: dict[str, Any]) -> None: ...

app = create_app("crm", agents={"lead": OnLead()}, fallback=Fallback())
"""


class Command:
    """`streamagents ...` in the folder of an application, with topics of its own."""

    def __init__(self, folder: Path, bootstrap: str, prefix: str) -> None:
        (folder / "crm.py").write_text(APP)
        self.layout = Layout(prefix=prefix)
        self._folder = folder
        self._env = {
            "STREAMAGENTS_BROKER": bootstrap,
            "STREAMAGENTS_APP": "crm",
            "STREAMAGENTS_TOPIC_PREFIX": prefix,
            "STREAMAGENTS_DATA_DIR": str(folder / "data"),
        }

    def __call__(
        self, *arguments: str, stdin: bytes = b"", **settings: str
    ) -> subprocess.CompletedProcess[str]:
        env = {**self._env, **{f"STREAMAGENTS_{name}": text for name, text in settings.items()}}
        return streamagents(*arguments, env=env, stdin=stdin, cwd=self._folder)

    def json(self, *arguments: str, **more: Any) -> Any:
        done = self(*arguments, "--json", **more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def command(broker: EmbeddedBroker, tmp_path: Path, topic: str) -> Command:
    return Command(tmp_path, broker.address, f"{topic}-")


def test_topics_are_planned_applied_and_then_in_order(command: Command) -> None:
    planned = command.json("topics", "plan")
    lead = next(each for each in planned if each["topic"] == command.layout.name("lead"))
    assert (lead["action"], lead["partitions"]) == ("create", 4)
    assert (lead["keyed_by"], lead["identified_by"]) == (
        "field email",
        "ce_id, else the envelope's id, else the record's position",
    )

    assert f"created {lead['topic']}: 4 partitions" in command("topics", "apply").stdout

    assert {each["action"] for each in command.json("topics", "plan")} == {"none"}
    shown = command("topics", "plan").stdout
    assert all(word in shown for word in (lead["topic"], "in order", "field email"))


def test_another_partition_count_is_refused_in_words_and_the_rest_is_done(
    command: Command,
) -> None:
    command("topics", "apply")

    done = command("topics", "apply", PARTITIONS="7")

    assert done.returncode == 1
    assert "has 4 partitions, the application wants 7" in done.stderr
    assert "Traceback" not in done.stderr
    assert "state-p7-changelog: 7 partitions" in done.stdout


async def test_an_event_is_sent_once_the_broker_has_it(
    command: Command, broker: EmbeddedBroker
) -> None:
    command("topics", "apply")

    said = command.json("send", "lead", "--data", "-", "--id", "e-1", stdin=b'{"email":"a@b.co"}')

    assert (said["id"], said["topic"]) == ("e-1", command.layout.name("lead"))
    (record,) = await read_all(broker.address, said["topic"])
    assert (record.partition, record.offset) == (said["partition"], said["offset"])
    assert (record.key, record.value) == (b"a@b.co", b'{"email":"a@b.co"}')
    headers = dict(record.headers)
    assert (headers["ce_id"], headers["ce_type"]) == (b"e-1", b"lead")
    assert headers["ce_source"] == b"streamagents/send"


def test_an_unknown_type_goes_to_the_inbox_and_the_command_says_so(command: Command) -> None:
    command("topics", "apply")

    done = command("send", "mystery", "--data", '{"a": 1}')

    assert done.returncode == 0
    assert f"topic {command.layout.inbox().name}, partition" in done.stdout
    assert "it goes to the inbox" in done.stderr


def test_an_event_without_a_topic_names_the_command_that_makes_it(command: Command) -> None:
    done = command("send", "lead", "--data", '{"email": "a@b.co"}')

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("does not exist: run `streamagents topics apply`.\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [("topics", "plan"), ("topics", "apply"), ("send", "x"), ("send", "x", "--json")]
)
def test_without_a_broker_a_command_is_one_sentence_and_exit_code_1(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    began = time.monotonic()

    done = Command(tmp_path, "127.0.0.1:1", "")(*arguments)

    said = [line for line in done.stderr.splitlines() if "goes to the inbox" not in line]
    assert (done.returncode, done.stdout) == (1, "")
    assert said == ["No Kafka broker can be reached at 127.0.0.1:1: is it running?"]
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("arguments", [("topics", "apply"), ("send", "x")])
def test_a_broker_that_says_nothing_is_given_up_within_15_seconds(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        done = Command(tmp_path, address, "")(*arguments)

    assert done.returncode == 1
    assert done.stderr.endswith(f"The Kafka broker at {address} did not answer within 5 s.\n")
    assert time.monotonic() - began < 15
