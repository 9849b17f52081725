"""The outbox: which channel an effect goes to."""

from __future__ import annotations

import pytest

from streamagents.pipeline.outbox import APP, TYPE_PREFIX, judge_action
from streamagents.pipeline.outcome import DeadLetter, Forward, Incoming, Skip
from streamagents.testing.bus import murmur2_partition
from streamagents.topics import ACTIONS
from support.records import PARTITIONS, Anything, off_place, record, registration, subscription


class Mail(Anything):
    """Stands for a channel."""


CHANNELS = {
    "log": subscription(registration(Anything(), "log"), ACTIONS),
    "mail": subscription(registration(Mail(), "mail"), ACTIONS),
}
OURS = {APP: b"shop", "ce_id": b"e-1/note", "ce_source": b"streamagents/shop/order"}
PLACE = murmur2_partition(b"ada", PARTITIONS)


def judged(
    value: bytes | None = b'{"text":"hi"}', *, partition: int = PLACE, **headers: bytes | None
) -> Incoming | Skip | Forward | DeadLetter:
    found: dict[str, bytes | None] = {**OURS, "ce_type": TYPE_PREFIX.encode() + b"log"}
    found.update({name.replace("app", APP): text for name, text in headers.items()})
    source = record(
        value,
        topic=ACTIONS,
        partition=partition,
        key=b"ada",
        headers=tuple((name, text) for name, text in found.items() if text is not None),
    )
    return judge_action(source, CHANNELS, "shop", murmur2_partition)


@pytest.mark.parametrize(("type_", "agent"), [(b"log", "Anything"), (b"mail", "Mail")])
def test_an_effect_goes_to_the_channel_that_its_type_names(type_: bytes, agent: str) -> None:
    decision = judged(ce_type=TYPE_PREFIX.encode() + type_)

    assert isinstance(decision, Incoming)
    incoming = decision
    assert incoming.registration.name == agent
    assert (incoming.id, incoming.source) == ("e-1/note", "streamagents/shop/order")
    assert (incoming.payload, incoming.key) == ({"text": "hi"}, b"ada")


@pytest.mark.parametrize("app", [b"other", b"", b"shop2", b"sho", b"SHOP", None])
def test_an_effect_of_another_application_is_skipped(app: bytes | None) -> None:
    assert judged(app=app) == Skip("other_app")


def test_an_effect_of_another_application_is_skipped_before_anything_else_of_it_is_read() -> None:
    assert judged(None, app=b"other") == Skip("other_app")
    assert judged(b"{", app=b"other", ce_type=b"\xff") == Skip("other_app")


@pytest.mark.parametrize(
    ("type_", "shown"),
    [
        (b"streamagents.action.fax", "'streamagents.action.fax'"),
        (b"streamagents.action.", "'streamagents.action.'"),
        (b"log", "'log'"),
        (b"other.log", "'other.log'"),
        (b"streamagents.action.log\xff", "'streamagents.action.log\ufffd'"),
        (b"", "'a record without a type'"),
        (None, "'a record without a type'"),
    ],
)
def test_an_effect_of_no_known_channel_is_a_letter_with_the_remedy(
    type_: bytes | None, shown: str
) -> None:
    decision = judged(ce_type=type_)

    assert isinstance(decision, DeadLetter)
    assert decision.code == "unknown_channel"
    assert f"no channel for {shown}" in decision.reason
    assert "create_app(..., channels=[...])" in decision.reason


@pytest.mark.parametrize(
    ("value", "code"), [(None, "tombstone"), (b"{", "undecodable"), (b"[1]", "invalid")]
)
def test_an_effect_that_cannot_be_read_is_a_letter(value: bytes | None, code: str) -> None:
    decision = judged(value)

    assert isinstance(decision, DeadLetter)
    assert decision.code == code


def test_an_effect_that_lies_where_its_key_does_not_belong_is_forwarded() -> None:
    decision = judged(partition=off_place(b"ada"))

    assert isinstance(decision, Forward)
    assert (decision.topic, decision.partition) == (ACTIONS, PLACE)
    assert dict(decision.headers)[APP] == b"shop"
