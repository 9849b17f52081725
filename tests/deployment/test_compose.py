"""`docker-compose.yml`: what compose takes, what we promise, and its services as processes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import urllib.request
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.bus import read_all
from streamagents.devkit.jars import KAFKA_VERSION
from streamagents.devkit.properties import settings as broker_settings
from streamagents.devkit.sockets import free_port
from support import wait_until
from support.commands import CHECKOUT
from support.deployment import SETTINGS, compose, seconds
from support.tools import COMPOSE, go_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = pytest.mark.timeout(600)  # the first time, a tool is built

SECRETS = {"STREAMAGENTS_GATEWAY_TOKEN": "t0ken", "GF_SECURITY_ADMIN_PASSWORD": "pa55"}
FILE = compose(**SECRETS)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
_START_S = 150.0
"""Of a process, on a machine with other work."""
OURS = ["topics", "worker-1", "worker-2", "gateway"]
MENTION = {
    "author": "ada",
    "text": "The app is broken, and support is useless!",
    "url": "https://x.y/1",
}


def checked(file: Path) -> subprocess.CompletedProcess[str]:
    command = [str(go_program(COMPOSE)), "-no-interpolation", str(file)]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=60, cwd=file.parent
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The file beside an .env, as a person has it."""
    shutil.copy(CHECKOUT / ".env.example", tmp_path / ".env")
    return Path(shutil.copy(CHECKOUT / "docker-compose.yml", tmp_path))


def test_compose_takes_it(project: Path) -> None:
    done = checked(project)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("right", "wrong"), [("    ports:", "    portz:"), ("service_healthy", "service_well")]
)
def test_compose_would_refuse_it(project: Path, right: str, wrong: str) -> None:
    project.write_text(project.read_text().replace(right, wrong))
    assert checked(project).returncode == 1


def test_without_its_secrets_it_does_not_start() -> None:
    for name in SECRETS:
        with pytest.raises(KeyError):
            compose(**{other: value for other, value in SECRETS.items() if other != name})
    told = (CHECKOUT / ".env.example").read_text()
    assert set(re.findall(r"^(\w+)=$", told, re.MULTILINE)) == set(SECRETS)


def test_each_gets_the_secrets_that_it_needs() -> None:
    for name in ("topics", "worker-1", "worker-2"):
        assert all(SERVICES[name]["environment"][secret] == "" for secret in SECRETS)
    gateway = SERVICES["gateway"]["environment"]
    assert gateway["STREAMAGENTS_GATEWAY_TOKEN"] == "t0ken"
    assert gateway["ANTHROPIC_API_KEY"] == ""


def test_what_the_example_names_is_a_setting() -> None:
    told = (CHECKOUT / ".env.example").read_text()
    named = set(re.findall(r"^#?([A-Z_]+)=", told, re.MULTILINE))
    assert named - {"GF_SECURITY_ADMIN_PASSWORD"} <= SETTINGS.keys()


def test_no_secret_is_in_it() -> None:
    text = (CHECKOUT / "docker-compose.yml").read_text()
    for name, is_secret in SETTINGS.items():
        if is_secret:
            assert not re.search(rf"{name}: +(?!\$|\"\")", text)
    assert ".env" in (CHECKOUT / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("name", SERVICES)
def test_each_is_bounded_restricted_and_reachable_from_here_alone(name: str) -> None:
    service = SERVICES[name]
    assert re.search(r":v?\d+\.\d+\.\d+$", service["image"])
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"]["max-size"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert "restart" in service


def test_they_start_in_an_order_of_health() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            condition = how["condition"]
            once = SERVICES[other]["restart"].startswith("on-failure")
            expected = "service_completed_successfully" if once else "service_healthy"
            assert condition == expected, f"{name} on {other}"
            assert once or "test" in SERVICES[other]["healthcheck"]


def test_each_worker_has_a_volume_of_its_own() -> None:
    named = [
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if not volume.startswith(".")
    ]
    assert sorted(named) == sorted(FILE["volumes"])


def test_what_is_mounted_is_in_the_checkout_or_comes_with_the_dashboards() -> None:
    mounted = {
        volume.split(":")[0].removeprefix("./")
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if volume.startswith("./")
    }
    assert all((CHECKOUT / path).exists() or path.startswith("monitoring") for path in mounted)


def test_they_get_longer_to_end_than_agents_do() -> None:
    for name in OURS:
        grace = float(SERVICES[name]["environment"]["STREAMAGENTS_SHUTDOWN_GRACE_S"])
        assert seconds(SERVICES[name]["stop_grace_period"]) > grace + 10


def test_every_setting_is_one() -> None:
    for name in OURS:
        ours = {each for each in SERVICES[name]["environment"] if each.startswith("STREAMAGENTS_")}
        assert ours <= SETTINGS.keys()


def test_its_kafka_is_that_of_the_embedded_broker() -> None:
    kafka = SERVICES["kafka"]
    assert kafka["image"] == f"apache/kafka:{KAFKA_VERSION}"
    said = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in kafka["environment"].items()
    }
    embedded = broker_settings(port=1, controller_port=2, storage=Path("/x"), fsync=False)
    places = {"listener", "log.dirs", "controller", "advertised", "inter.broker"}
    shared = {
        name: value
        for name, value in said.items()
        if name in embedded and not name.startswith(tuple(places))
    }
    assert shared == {name: embedded[name] for name in shared}
    assert {"auto.create.topics.enable", "message.max.bytes", "log.flush.interval.ms"} <= set(
        shared
    )


# -- as processes --------------------------------------------------------------------------------


class Processes:
    """Services of the file as processes: their commands and environments, another broker."""

    def __init__(self, folder: Path, broker: str) -> None:
        self._folder, self._broker = folder, broker
        self.prefix = f"c{uuid.uuid4().hex[:8]}."
        self.ports = {name: str(free_port()) for name in OURS}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def environment(self, name: str) -> dict[str, str]:
        said = {key: str(value) for key, value in SERVICES[name]["environment"].items()}
        assert said["STREAMAGENTS_BROKER"] == "kafka:9092"
        kept = {k: v for k, v in os.environ.items() if not k.startswith("STREAMAGENTS_")}
        return {
            **kept,
            "PYTHONPATH": str(CHECKOUT),
            **SECRETS,
            **said,
            # What a container has for itself, processes share.
            "STREAMAGENTS_BROKER": self._broker,
            "STREAMAGENTS_TOPIC_PREFIX": self.prefix,
            "STREAMAGENTS_DATA_DIR": str(self._folder / name),
            "STREAMAGENTS_WEB_PORT": self.ports[name],
            "STREAMAGENTS_GATEWAY_PORT": self.ports[name],
        }

    def start(self, name: str) -> subprocess.Popen[bytes]:
        program, *arguments = SERVICES[name]["command"]
        path = Path(sysconfig.get_path("scripts")) / program
        with self.log(name).open("wb") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, path, *arguments],
                env=self.environment(name),
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )
        return self._running[name]

    def log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def said(self, name: str) -> str:
        return self.log(name).read_text()

    def is_healthy(self, name: str) -> bool:
        """What the service's own health check says."""
        _, _, flags, script, what = SERVICES[name]["healthcheck"]["test"]
        assert script == "/usr/local/lib/streamagents/alive.py"  # where the image has it
        command = [sys.executable, flags, CHECKOUT / "deploy" / "alive.py", what]
        env = self.environment(name)
        return subprocess.run(command, check=False, env=env, timeout=30).returncode == 0

    def stop(self, name: str) -> int:
        process = self._running.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(seconds(SERVICES[name]["stop_grace_period"]))

    def kill(self, name: str) -> None:
        process = self._running.pop(name)
        process.kill()
        process.wait(10)

    def end(self) -> None:
        for process in self._running.values():
            process.kill()
            process.wait(10)


@contextmanager
def processes(folder: Path, broker: str) -> Iterator[Processes]:
    running = Processes(folder, broker)
    try:
        yield running
    finally:
        running.end()


@pytest.mark.kafka
def test_its_services_run_and_an_event_goes_through(broker: EmbeddedBroker, tmp_path: Path) -> None:
    workers = ["worker-1", "worker-2"]
    with processes(tmp_path, broker.address) as services:
        assert services.start("topics").wait(_START_S) == 0, services.said("topics")
        for name in workers:
            services.start(name)
        for name in workers:
            wait_until(lambda name=name: "intake_begins" in services.said(name), _START_S)  # type: ignore[misc]
            assert services.is_healthy(name)
        send(services, "m-1")

        classified = f"{services.prefix}mention_classified"
        wait_until(lambda: asyncio.run(read_all(broker.address, classified)), _START_S)

        assert [services.stop(name) for name in workers] == [0, 0]


@pytest.mark.kafka
def test_one_worker_that_dies_is_replaced_by_the_other(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """With events enough for both of them."""
    dead, other = "worker-1", "worker-2"
    with processes(tmp_path, broker.address) as services:
        assert services.start("topics").wait(_START_S) == 0, services.said("topics")
        for name in (dead, other):
            services.start(name)
        for name in (dead, other):
            wait_until(lambda name=name: "intake_begins" in services.said(name), _START_S)  # type: ignore[misc]
        services.kill(dead)
        send(services, *(f"m-{n}" for n in range(8)))

        classified = f"{services.prefix}mention_classified"
        wait_until(lambda: len(asyncio.run(read_all(broker.address, classified))) == 8, _START_S)
        assert services.is_healthy(other)


@pytest.mark.kafka
def test_before_the_topics_are_made_a_worker_says_so_and_ends(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """So it has to wait for their job, and does: see the order of health."""
    with processes(tmp_path, broker.address) as services:
        assert services.start("worker-1").wait(_START_S) == 1
        assert "run `streamagents topics apply`" in services.said("worker-1")


def send(services: Processes, *ids: str) -> None:
    """By the gateway, each from an author of its own."""
    services.start("gateway")
    wait_until(lambda: services.is_healthy("gateway"), _START_S)
    for id_ in ids:
        request = urllib.request.Request(
            f"http://127.0.0.1:{services.ports['gateway']}/events/mention?id={id_}",
            data=json.dumps({**MENTION, "author": id_}).encode(),
            headers={
                "Content-Type": "application/json",
                "Authorization": f"Bearer {SECRETS['STREAMAGENTS_GATEWAY_TOKEN']}",
            },
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 202
    assert services.stop("gateway") == 0
