"""Fixtures for every room: a clean environment, and one embedded broker for the whole session.

`make test` runs some of these sessions side by side; each has a broker of its own.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker
    from support.postgres import Postgres
    from support.redis_server import RedisServer

LONG_FIRST = ("chaos/test_chaos", "kafka", "acceptance", "monitoring", "deployment", "")
"""So that no process is left with a long file while the others have nothing more to do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the folders into this order; the tests of one stay as they are."""

    def rank(item: pytest.Item) -> int:
        place = item.nodeid.removeprefix("tests/")
        return next(at for at, start in enumerate(LONG_FIRST) if place.startswith(start))

    items.sort(key=rank)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a developer's settings nor a real key of a model provider reaches a test."""
    for name in list(os.environ):
        if name.startswith(("STREAMAGENTS_", "ANTHROPIC_", "NOTIFY_", "WATCHDOG_")):
            monkeypatch.delenv(name)
    for pages in ("WEB", "WATCH", "BRIDGE"):  # tests start many processes at once
        monkeypatch.setenv(f"STREAMAGENTS_{pages}_PORT", "0")


@pytest.fixture(scope="session")
def kafka_runs() -> None:
    """Skip on a laptop that has no Java or jars; in CI a missing broker is a failure."""
    from streamagents.devkit.command import kafka_command
    from streamagents.errors import DevkitError

    try:
        kafka_command(lambda _: None)
    except DevkitError as exc:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(exc))


@pytest.fixture(scope="session")
def broker(kafka_runs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    """The broker that tests share: use topics and groups of your own, and leave it running."""
    from streamagents.devkit.broker import EmbeddedBroker
    from streamagents.devkit.sockets import free_port

    with EmbeddedBroker(
        tmp_path_factory.mktemp("broker"),
        free_port(),
        heap_mib=768,  # for the topics of hundreds of applications
    ) as running:
        yield running


@pytest.fixture
def own_broker(kafka_runs: None, tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """A broker that is not started yet and belongs to this test alone."""
    from streamagents.devkit.broker import EmbeddedBroker
    from streamagents.devkit.sockets import free_port

    own = EmbeddedBroker(tmp_path, free_port())
    yield own
    own.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL that tests share: use tables of your own."""
    from support.postgres import running_postgres

    with running_postgres() as running:
        yield running


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis that tests share: use streams of your own."""
    from support.redis_server import running_redis

    with running_redis() as running:
        yield running
