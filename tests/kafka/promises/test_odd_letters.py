"""Odd letters: of the inbox, of the outbox, of others, and of what is gone."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import pytest

from streamagents.testing.bus import murmur2_partition
from support.letters import Operator
from support.topics import create_topics, spec

if TYPE_CHECKING:
    from support.workers import Fleet

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

WAIT = ("--yes", "--wait", "60")


async def test_an_event_without_a_type_gets_one_and_is_handled_where_it_belongs(
    calm_letters: Fleet,
) -> None:
    operator = Operator(calm_letters)
    await calm_letters.send("streamagents" + ".inbox", [(b"k7", b'{"n": 700, "who": "k7"}')])
    await calm_letters.settled()
    (row,) = operator.json("list", "--topic", "streamagents.inbox")
    assert row["error"] == "no_type"
    event = {"type": "task", "data": {"n": 700, "who": "k7"}}
    told = operator.json(
        "replay", "--topic", "streamagents.inbox", "--data", json.dumps(event), *WAIT
    )

    assert told["outcomes"] == {"done": 1}
    await calm_letters.settled()
    assert [n for n, *_ in calm_letters.lines("ship") if n == "700"] == ["700"]
    assert operator.waiting("--topic", "streamagents.inbox") == 0


async def test_an_effect_that_was_refused_can_be_tried_again(calm_letters: Fleet) -> None:
    operator = Operator(calm_letters)
    act = {"via": "mail", "text": "t", "name": "m", "what": "reject"}
    deed = {"n": 701, "who": "d", "acts": [act]}
    await calm_letters.send("deed", [(b"d", json.dumps(deed).encode())])
    await calm_letters.settled()
    await calm_letters.settled()
    replay = ("replay", "--topic", "streamagents.actions", *WAIT)
    assert operator.json(*replay, code=1)["outcomes"] == {"replaced": 1}
    assert operator.json(*replay, "--set", "what=")["outcomes"] == {"done": 1}

    sent = [effect for _, effect, *_ in calm_letters.lines("sent") if effect.startswith("701/")]
    assert sent == ["701/m"]


async def test_a_letter_of_spring_is_shown_and_sent_to_the_group_that_failed(
    calm_letters: Fleet,
) -> None:
    operator = Operator(calm_letters)
    name = calm_letters.topic("task-dlt")
    await create_topics(calm_letters.bootstrap, spec(name))
    value = json.dumps({"n": 702, "who": "s", "what": "\x1b[2J"}).encode()
    headers = [
        ("kafka_dlt-original-topic", calm_letters.topic("task").encode()),
        ("kafka_dlt-original-partition", struct.pack(">i", 1)),
        ("kafka_dlt-original-offset", struct.pack(">q", 999_999)),
        ("kafka_dlt-original-consumer-group", b"billing"),
        ("kafka_dlt-exception-cause-fqcn", b"java.lang.IllegalStateException"),
        ("own", b"kept"),
    ]
    await calm_letters.send("task-dlt", [(b"s", value)], headers=headers)
    page = operator("show", "--topic", "task-dlt")
    told = operator.json("replay", "--topic", "task-dlt", "--yes")
    await calm_letters.settled()

    assert "IllegalStateException" in page
    assert "\x1b" not in page
    assert (told["replayed"], told["plan"]["targets"][0]["group"]) == (1, "billing")
    assert operator.waiting("--topic", "task-dlt") == 0
    (record,) = [r for r in await calm_letters.read("task") if r.value == value]
    # Its headers say partition 1, but its event's key, `who`, belongs on another one.
    where = murmur2_partition(b"s", 4)
    assert (record.partition, dict(record.headers)["own"]) == (where, b"kept")
    assert not [n for n, *_ in calm_letters.lines("task") if n == "702"]  # it was not for us


async def test_letters_whose_topic_or_agent_is_gone_say_so(calm_letters: Fleet) -> None:
    operator = Operator(calm_letters)
    ours = [
        ("streamagents-error-code", b"failed"),
        ("streamagents-consumer-group", calm_letters.group.encode()),
        ("__streams.errors.topic", calm_letters.topic("gone").encode()),
        ("__streams.errors.partition", b"\xff"),
    ]
    await create_topics(calm_letters.bootstrap, spec(calm_letters.topic("gone.dlq")))
    await calm_letters.send("gone.dlq", [(b"k", bytes(1 << 20)), (None, b"{")], headers=ours)
    replay = ("replay", "--topic", "gone", "--yes")
    told = operator.json(*replay, code=1)
    assert told["refused"] == {f"its topic {calm_letters.topic('gone')} is gone": 2}
    await create_topics(calm_letters.bootstrap, spec(calm_letters.topic("gone")))
    told = operator.json(*replay, code=1)

    assert told["refused"] == {
        f"no agent of {calm_letters.group} takes {calm_letters.topic('gone')} any more": 2
    }
    assert "1,048,576 bytes" in operator("show", "--topic", "gone")
    assert operator.waiting("--topic", "gone") == 2
