"""The operator's drill on a real broker; and that its count can fail."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from drill.checker import in_words
from drill.play import HOME_S, LONG, SHORT, Drill
from drill.shapes import CUSTOMERS

if TYPE_CHECKING:
    from pathlib import Path

    from streamagents.devkit.broker import EmbeddedBroker

# A drill in short takes two minutes of CPU.
pytestmark = [pytest.mark.kafka, pytest.mark.long, pytest.mark.timeout(400)]

SWITCHED = {
    "letters_are_dropped": "lost",
    "every_replay_runs": "answered_twice",
    "steps_are_forgotten": "paid_twice",
}


def short(broker: EmbeddedBroker, folder: Path, app: str = "drill.app") -> Drill:
    """On the broker that tests share."""
    return Drill(broker, folder, SHORT, prefix=f"t{uuid.uuid4().hex[:8]}.", app=app)


async def test_every_event_of_a_broken_agent_is_brought_home(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    ending = await short(broker, tmp_path).play()

    assert not ending.broken, in_words(ending.broken)
    assert ending.letters > CUSTOMERS
    assert ending.home_s < HOME_S


@pytest.mark.timeout(900)
async def test_they_come_home_through_a_restart_of_the_broker_too(
    own_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    own_broker.start()
    ending = await Drill(own_broker, tmp_path, LONG, prefix="").play()

    assert not ending.broken, in_words(ending.broken)
    assert ending.home_s < HOME_S


@pytest.mark.parametrize("switch", SWITCHED)
async def test_a_switched_off_promise_is_red(
    switch: str, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    ending = await short(broker, tmp_path, f"drill.broken.{switch}").play()

    assert SWITCHED[switch] in ending.broken, in_words(ending.broken)
