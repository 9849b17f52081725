"""`streamagents watch` and `bridge` as a person runs them: by settings alone, and by mistake."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING

import pytest

from support import wait_until, wait_until_async
from support.commands import CHECKOUT, streamagents
from support.ears import Ear
from support.odd_headers import produce_an_odd_header
from support.topics import create_topics, spec
from support.workers import Fleet

if TYPE_CHECKING:
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

APP = {"PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'tests'}"}
JOBS = ("-A", "support.jobs_app")
EARS = ("-A", "support.ears_app")


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        (("watch", *JOBS), {}, "watches no folder: hand one over as"),
        (("bridge", "nope", *EARS), {}, "no bridge named 'nope', there is old, redis"),
        (("watch", *JOBS), {"WATCH": "{"}, "STREAMAGENTS_WATCH: is no JSON"),
    ],
)
def test_a_mistake_is_one_sentence(
    arguments: tuple[str, ...], settings: dict[str, str], words: str, tmp_path: Path
) -> None:
    env = {f"STREAMAGENTS_{name}": value for name, value in settings.items()}

    done = streamagents(*arguments, env={**APP, **env}, cwd=tmp_path)

    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


@pytest.mark.parametrize(("queue", "extra"), [("redis", "redis"), ("sqs", "sqs")])
def test_a_client_that_is_not_installed_is_named_with_how_to_get_it(
    queue: str, extra: str, tmp_path: Path
) -> None:
    for module in ("redis", "aiobotocore"):
        (tmp_path / f"{module}.py").write_text(
            f"raise ModuleNotFoundError('gone', name={module!r})"
        )
    described = {"redis": {"stream": "s", "url": "redis://h"}, "sqs": {"url": "http://h/q"}}
    setting = json.dumps({"a": {"type": "job", queue: described[queue]}})
    env = {"PYTHONPATH": f"{tmp_path}:{APP['PYTHONPATH']}", "STREAMAGENTS_BRIDGES": setting}

    done = streamagents("bridge", *JOBS, env=env, cwd=tmp_path)

    assert done.returncode == 1
    assert f"pip install 'streamagents[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.kafka
def test_topics_that_are_missing_are_named_with_the_command_that_makes_them(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    settings = {
        "STREAMAGENTS_BROKER": broker.address,
        "STREAMAGENTS_TOPIC_PREFIX": "nobody-made-it.",
        "STREAMAGENTS_WATCH": '{"a": {"type": "job", "path": "in"}}',
        "STREAMAGENTS_BRIDGES": '{"b": {"type": "job", "kafka": {"topic": "x"}}}',
    }
    for command in ("watch", "bridge"):
        done = streamagents(command, *JOBS, env={**APP, **settings}, cwd=tmp_path)

        assert done.returncode == 1
        assert "run `streamagents topics apply`" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.kafka
async def test_settings_alone_make_events_of_files_and_of_foreign_records(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    async with Fleet(broker.address, tmp_path) as fleet:
        await create_topics(broker.address, spec(fleet.topic("old"), partitions=1))
        await asyncio.to_thread(produce_an_odd_header, broker.address, fleet.topic("old"))
        await fleet.send("old", [(b"k", b'{"a": {"b": 7}}')])
        folders = {"a": {"type": "job", "path": "in", "settle_s": 0.2, "done": "done"}}
        old = {
            "type": "job",
            "kafka": {"topic": fleet.topic("old")},
            "fields": {"n": "a.b", "who": "'eve'"},
        }
        (tmp_path / "bridges.json").write_text(json.dumps({"old": old}))
        environment = {
            **fleet.environment,
            "STREAMAGENTS_WATCH": json.dumps(folders),
            "STREAMAGENTS_BRIDGES_FILE": str(tmp_path / "bridges.json"),
        }
        running = [
            Ear(tmp_path / f"{command}.log", environment, command, *JOBS)
            for command in ("watch", "bridge")
        ]
        try:
            (tmp_path / "in/jobs.csv").write_text("n,who\n1,ann\n2,bob\n")
            wait_until((tmp_path / "in/done/jobs.csv").exists, 40)
            await wait_until_async(lambda: fleet_has(fleet, 3), 40)
        finally:
            codes = [ear.stop() for ear in running]

        sent = await fleet.read("job")
        (told,) = await fleet.read("streamagents.inbox")

    assert codes == [0, 0]
    assert {str(json.loads(record.value or b"")["n"]) for record in sent} == {"1", "2", "7"}
    assert {dict(record.headers)["ce_source"] for record in sent} == {b"files/a", b"bridge/old"}
    assert dict(told.headers)["ce_type"] == b"old.unmapped"
    assert "\\xff" in str(json.loads(told.value or b"")["headers"])


async def fleet_has(fleet: Fleet, count: int) -> bool:
    return len(await fleet.read("job")) == count


@pytest.mark.long
def test_without_a_broker_they_wait_with_one_warning_and_end_when_they_are_told(
    tmp_path: Path,
) -> None:
    (tmp_path / "in").mkdir()
    settings = {
        "STREAMAGENTS_BROKER": "127.0.0.1:1",
        "STREAMAGENTS_WATCH": '{"a": {"type": "job", "path": "in"}}',
        "STREAMAGENTS_BRIDGES": '{"b": {"type": "job", "kafka": {"topic": "x"}}}',
    }
    kept = {k: v for k, v in os.environ.items() if not k.startswith("STREAMAGENTS_")}
    ears = [
        Ear(tmp_path / f"{command}.log", {**kept, **APP, **settings}, command, *JOBS)
        for command in ("watch", "bridge")
    ]
    try:
        for ear in ears:
            ear.wait_for("waiting_for_broker")
        codes = [ear.stop(20) for ear in ears]
    finally:
        for ear in ears:
            ear.kill()

    assert codes == [0, 0]
    for ear in ears:
        assert ear.said().count("waiting_for_broker") == 1
        assert "Traceback" not in ear.said()
