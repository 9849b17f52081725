"""Fleets: an application on the shared broker, under a prefix of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from support.workers import WORKS, Fleet, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker


@pytest.fixture
async def fleet(broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Fleet]:
    """The jobs application on the shared broker; no worker runs yet."""
    async with Fleet(broker.address, tmp_path) as fleet:
        yield fleet


@pytest.fixture
async def works(broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Fleet]:
    """The works application; no worker runs yet."""
    async with Fleet(broker.address, tmp_path, module=WORKS) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def post(broker: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The works application's topics, for a module that lays letters there; no worker runs."""
    fleet = Fleet(broker.address, tmp_path_factory.mktemp("post"), module=WORKS)
    asyncio.run(fleet.__aenter__())
    yield fleet
    asyncio.run(fleet.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def calm(broker: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The works application with one worker that nobody ends; each test has events of its own."""
    with running(Fleet(broker.address, tmp_path_factory.mktemp("calm"), module=WORKS)) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def calm_letters(
    broker: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """The same for who sends letters again: all letters that lie there are the module's own."""
    folder = tmp_path_factory.mktemp("letters")
    with running(Fleet(broker.address, folder, module=WORKS)) as fleet:
        yield fleet
