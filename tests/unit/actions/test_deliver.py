"""Delivering: what is sent, what is not sent again, and what a person has to look at."""

from __future__ import annotations

import asyncio
from itertools import product
from typing import Any, Literal

import pytest

from streamagents.actions import Deliverer, Delivery, Effect
from streamagents.actions.deliver import decide
from streamagents.errors import Reject, RetryLater
from streamagents.testing import FakeClock, FakeContext, Note, RecordingChannel

NOTE = {"text": "hello"}


def deliverer(channel: RecordingChannel, **policy: Any) -> Deliverer:
    return Deliverer(Delivery(channel, **policy), FakeClock())


def context(**changes: Any) -> FakeContext:
    return FakeContext(**{"event_id": "e-1/note", "source": "streamagents/crm/lead", **changes})


@pytest.mark.parametrize(
    ("interrupted", "happened", "idempotent", "on_unknown", "decision"),
    [
        (False, None, False, "resend", "send"),
        (False, None, True, "review", "send"),
        (True, True, False, "resend", "done"),
        (True, True, True, "review", "done"),
        (True, False, False, "review", "send"),
        (True, False, True, "resend", "send"),
        (True, None, True, "resend", "repeat"),
        (True, None, True, "review", "repeat"),
        (True, None, False, "resend", "resend"),
        (True, None, False, "review", "review"),
    ],
)
def test_what_follows_an_interruption(
    *,
    interrupted: bool,
    happened: bool | None,
    idempotent: bool,
    on_unknown: Literal["resend", "review"],
    decision: str,
) -> None:
    assert decision == decide(
        interrupted=interrupted, happened=happened, idempotent=idempotent, on_unknown=on_unknown
    )


def test_nothing_is_ever_done_twice_behind_a_persons_back_where_they_asked_to_look() -> None:
    decisions = {
        decide(interrupted=True, happened=happened, idempotent=idempotent, on_unknown="review")
        for happened, idempotent in product((True, None), (True, False))
    }

    assert decisions == {"done", "repeat", "review"}


async def test_an_effect_is_sent_with_what_is_known_of_it() -> None:
    channel, ctx = RecordingChannel(), context(attempt=3, key="ann@example.com")

    await deliverer(channel).run(NOTE, ctx)

    (sent,) = channel.sent
    assert sent.action == Note(text="hello")
    assert sent.effect == Effect(
        id="e-1/note", source="streamagents/crm/lead", key="ann@example.com", attempt=3
    )
    assert ctx.logs == []


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ({}, "The effect is no Note: 1 faults, the first 'Field required' at text"),
        ({"text": 7}, "'Input should be a valid string' at text"),
        ({"text": "x", "token": "s"}, "'Extra inputs are not permitted' at token"),
    ],
)
async def test_data_of_another_action_are_rejected_at_once(
    data: dict[str, Any], fault: str
) -> None:
    channel = RecordingChannel()

    with pytest.raises(Reject, match=fault) as caught:
        await deliverer(channel).run(data, context())

    assert (caught.value.code, channel.sent) == ("invalid", [])


@pytest.mark.parametrize("error", [ConnectionError("away"), RetryLater(90), Reject("no such room")])
async def test_what_a_channel_raises_is_the_runtimes_affair(error: Exception) -> None:
    channel = RecordingChannel()
    channel.fail(error=error)

    with pytest.raises(type(error)) as caught:
        await deliverer(channel).run(NOTE, context())

    assert caught.value is error


async def test_a_channel_that_finds_it_done_does_not_send_it_again() -> None:
    channel, ctx = RecordingChannel(reconciles=True), context()
    await deliverer(channel).run(NOTE, ctx)
    again = context(attempt=2, interrupted=True)

    await deliverer(channel, on_unknown="review").run(NOTE, again)

    assert channel.delivered == {"e-1/note": 1}
    assert [effect.interrupted for effect in channel.asked] == [True]
    assert again.logs == [
        {
            "event": "effect_known",
            "log_level": "info",
            "channel": "recording",
            "effect": "e-1/note",
            "decision": "done",
        }
    ]


async def test_a_channel_that_finds_it_missing_sends_it() -> None:
    channel = RecordingChannel(reconciles=True)

    await deliverer(channel, on_unknown="review").run(NOTE, context(interrupted=True))

    assert channel.delivered == {"e-1/note": 1}


async def test_nobody_is_asked_about_an_effect_that_was_not_interrupted() -> None:
    channel = RecordingChannel(reconciles=True)

    await deliverer(channel).run(NOTE, context(attempt=2))

    assert (channel.asked, channel.delivered) == ([], {"e-1/note": 1})


async def test_a_question_that_fails_is_a_failure_like_any_other() -> None:
    channel = RecordingChannel(reconciles=True)
    channel.answer(ConnectionError("away"))

    with pytest.raises(ConnectionError, match="away"):
        await deliverer(channel).run(NOTE, context(interrupted=True))

    assert channel.sent == []


async def test_a_peer_that_takes_keys_gets_the_same_one_again() -> None:
    channel, ctx = RecordingChannel(idempotent=True), context(attempt=2, interrupted=True)
    await deliverer(channel).run(NOTE, context())

    await deliverer(channel, on_unknown="review").run(NOTE, ctx)

    first, second = channel.sent
    assert first.effect.idempotency_key == second.effect.idempotency_key
    assert channel.delivered == {"e-1/note": 1}
    assert [(line["event"], line["decision"]) for line in ctx.logs] == [("effect_known", "repeat")]


@pytest.mark.parametrize("reconciles", [True, False])
async def test_an_unknown_outcome_is_sent_again_and_told(
    reconciles: bool,  # noqa: FBT001 - a table's column
) -> None:
    channel, ctx = RecordingChannel(reconciles=reconciles), context(interrupted=True)
    channel.answer(None)

    await deliverer(channel).run(NOTE, ctx)

    assert channel.delivered == {"e-1/note": 1}
    assert ctx.logs == [
        {
            "event": "effect_unknown",
            "log_level": "warning",
            "channel": "recording",
            "effect": "e-1/note",
            "decision": "resend",
        }
    ]


async def test_an_unknown_outcome_is_left_to_a_person_where_the_policy_says_so() -> None:
    channel, ctx = RecordingChannel(), context(interrupted=True)

    with pytest.raises(Reject, match="'e-1/note' ended without telling whether") as caught:
        await deliverer(channel, on_unknown="review").run(NOTE, ctx)

    assert (caught.value.code, channel.sent) == ("outcome_unknown", [])
    assert [(line["event"], line["decision"]) for line in ctx.logs] == [
        ("effect_unknown", "review")
    ]


async def test_effects_wait_for_their_turn() -> None:
    channel, clock = RecordingChannel(), FakeClock()
    deliver = Deliverer(Delivery(channel, per_second=2), clock)

    async def deliver_in_turn(number: int) -> None:
        await deliver.turn()
        await deliver.run(NOTE, context(event_id=f"e-{number}/note"))

    tasks = [asyncio.create_task(deliver_in_turn(number)) for number in range(3)]
    sent = []
    for _ in range(3):
        for _ in range(5):
            await asyncio.sleep(0)
        sent.append(len(channel.sent))
        clock.advance(0.5)
    await asyncio.gather(*tasks)

    assert sent == [1, 2, 3]
    assert list(channel.delivered) == ["e-0/note", "e-1/note", "e-2/note"]
