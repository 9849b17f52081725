"""A channel for tests: it does what it is told, and knows what its peer got."""

from __future__ import annotations

import asyncio

import pytest

from streamagents.actions import Effect, build_channels
from streamagents.testing import Note, RecordingChannel

NOTE, EFFECT = Note(text="hello"), Effect(id="e-1/note", source="s")


async def test_what_is_sent_is_kept_and_counted() -> None:
    channel = RecordingChannel()

    await channel.send(NOTE, EFFECT)
    await channel.send(NOTE, EFFECT)
    await channel.send(NOTE, Effect(id="e-2/note"))

    assert [sent.action for sent in channel.sent] == [NOTE, NOTE, NOTE]
    assert channel.delivered == {"e-1/note": 2, "e-2/note": 1}


async def test_an_idempotent_peer_does_nothing_twice() -> None:
    channel = RecordingChannel(idempotent=True)

    await channel.send(NOTE, EFFECT)
    await channel.send(NOTE, EFFECT)

    assert (len(channel.sent), channel.delivered) == (2, {"e-1/note": 1})


async def test_it_fails_as_often_as_it_is_told() -> None:
    channel = RecordingChannel()
    channel.fail(2)
    channel.fail(error=ValueError("odd"))

    for error in (ConnectionError, ConnectionError, ValueError):
        with pytest.raises(error):
            await channel.send(NOTE, EFFECT)
    await channel.send(NOTE, EFFECT)

    assert (len(channel.sent), channel.delivered) == (4, {"e-1/note": 1})


async def test_a_failure_may_come_after_the_delivery() -> None:
    channel = RecordingChannel()
    channel.fail(delivered=True)

    with pytest.raises(ConnectionError):
        await channel.send(NOTE, EFFECT)

    assert channel.delivered == {"e-1/note": 1}


@pytest.mark.parametrize(("delivered", "count"), [(False, {}), (True, {"e-1/note": 1})])
async def test_it_hangs_until_it_is_cancelled(
    delivered: bool,  # noqa: FBT001 - a table's column
    count: dict[str, int],
) -> None:
    channel = RecordingChannel()
    channel.hang(delivered=delivered)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(channel.send(NOTE, EFFECT), 0.01)

    assert channel.delivered == count


async def test_reconcile_answers_with_the_truth_or_what_it_is_told() -> None:
    channel = RecordingChannel(reconciles=True)
    assert channel.reconcile is not None
    channel.fail(delivered=True)

    assert await channel.reconcile(NOTE, EFFECT) is False
    with pytest.raises(ConnectionError):
        await channel.send(NOTE, EFFECT)
    assert await channel.reconcile(NOTE, EFFECT) is True
    channel.answer(None)
    assert await channel.reconcile(NOTE, EFFECT) is None
    channel.answer(OSError("away"))
    with pytest.raises(OSError, match="away"):
        await channel.reconcile(NOTE, EFFECT)
    channel.answer("the truth")
    assert await channel.reconcile(NOTE, EFFECT) is True

    assert channel.asked == [EFFECT] * 5


def test_it_is_a_channel_under_any_name() -> None:
    first, second = RecordingChannel(), RecordingChannel("crm", reconciles=True)

    assert list(build_channels([first, second])) == ["recording", "crm", "log"]
    assert (first.action, second.action.via) == (Note, "crm")
    assert second.action(text="x").text == "x"
    assert first.reconcile is None
