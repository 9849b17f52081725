"""Effects: decided with an event, sent once where the other side allows it, in order, accounted."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from support import wait_until
from support.workers import Fleet, header, job

if TYPE_CHECKING:
    from streamagents.ports import Record

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

OUTBOX = "streamagents.actions"
CHANNELS = ("mail", "bank", "shop", "desk")


def deed(n: int, *acts: dict[str, str], who: str = "", what: str = "") -> tuple[bytes, bytes]:
    return job(n, who or f"k{n}", acts=list(acts), what=what)


def act(via: str, text: str = "-", **more: str) -> dict[str, str]:
    return {"via": via, "text": text, **more}


def sent(fleet: Fleet, n: int) -> list[tuple[str, str, str]]:
    """What left for an event, in order: channel, effect and text."""
    return [
        (via, id_, text)
        for via, id_, _, text, _ in fleet.lines("sent")
        if id_.partition("/")[0] == str(n)
    ]


def sends(fleet: Fleet, effect: str) -> list[tuple[str, str, str]]:
    """The attempts to send an effect: its key, which attempt it was, and whether it is known."""
    return [
        (key, no, again) for _, id_, key, no, again, _ in fleet.lines("sending") if id_ == effect
    ]


async def outbox(fleet: Fleet, n: int) -> list[Record]:
    found = await fleet.read(OUTBOX)
    return [r for r in found if header(r, "ce_id").partition("/")[0] == str(n)]


async def letters(fleet: Fleet) -> dict[str, str]:
    """By effect, why it was given up."""
    return {
        header(letter, "ce_id"): header(letter, "streamagents-error-code")
        for letter in await fleet.letters(OUTBOX)
    }


# -- one worker, that lives on -------------------------------------------------------------------


async def test_an_effect_is_sent_once_with_the_event_that_decided_it(calm: Fleet) -> None:
    acts = [act("mail", "a"), act("bank", "b", name="fee"), act("mail", "c"), act("shop", "d")]
    await calm.send("deed", [deed(1, *acts, who="ann"), deed(1, *acts, who="ann")])
    await calm.settled()
    ids = ["1/act-1", "1/act-2", "1/act-3", "1/fee"]
    records = await outbox(calm, 1)
    assert sorted(header(r, "ce_id") for r in records) == ids
    assert Counter(id_ for _, id_, _ in sent(calm, 1)) == Counter(ids)
    for record in records:
        assert record.key == b"ann"
        assert header(record, "streamagents-app") == calm.group
        assert header(record, "ce_source") == f"streamagents/{calm.group}/{calm.topic('deed')}"
        assert header(record, "ce_type").startswith("streamagents.action.")
        assert sends(calm, header(record, "ce_id"))[0][1:] == ("1", "new")
    assert {json.loads(r.value or b"")["text"] for r in records} == set("abcd")
    assert len({key for id_ in ids for key, *_ in sends(calm, id_)}) == 4


async def test_a_failed_attempt_leaves_no_effect_and_a_retried_one_decides_it_once(
    calm: Fleet,
) -> None:
    await calm.send("deed", [deed(10, act("mail"), act("bank"), what="fail")])
    await calm.send("deed", [deed(11, act("mail"), act("mail"), what="fail once")])
    await calm.send("deed", [deed(12, act("mail"), act("smoke"))])
    await calm.send("deed", [deed(13, act("mail", name="x"), act("bank", name="x"))])
    await calm.settled()
    assert not await outbox(calm, 10)
    assert [id_ for _, id_, _ in sent(calm, 11)] == ["11/act-1", "11/act-2"]
    assert not await outbox(calm, 12)
    assert not await outbox(calm, 13)
    words = {
        json.loads(letter.value or b"")["n"]: header(letter, "__streams.errors.message")
        for letter in await calm.letters("deed")
    }
    assert set(words) == {10, 12, 13}
    assert "the application has no channel 'smoke'" in words[12]
    assert "name='x') was called twice in one run" in words[13]


async def test_effects_of_a_key_and_channel_leave_in_order_and_a_failing_one_holds_no_other(
    calm: Fleet,
) -> None:
    deeds = [deed(n, act("mail", f"m{n}", what="slow"), who="bob") for n in range(20, 24)]
    deeds.insert(2, deed(30, act("mail", "bad", what="fail"), act("bank", "good"), who="bob"))
    deeds.insert(3, deed(31, act("mail", "refused", what="reject"), who="bob"))
    deeds.insert(4, deed(32, act("mail", "twice", what="fail once"), who="bob"))
    await calm.send("deed", deeds)
    await calm.settled()
    mails = [text for via, _, key, text, _ in calm.lines("sent") if (via, key) == ("mail", "bob")]
    assert mails == ["m20", "m21", "twice", "m22", "m23"]
    assert [no for _, no, _ in sends(calm, "30/act-1")] == ["1", "2", "3"]
    assert len({key for key, *_ in sends(calm, "30/act-1")}) == 1
    assert [no for _, no, _ in sends(calm, "31/act-1")] == ["1"]
    assert [no for _, no, _ in sends(calm, "32/act-1")] == ["1", "2"]
    assert [text for *_, text in sent(calm, 30)] == ["good"]
    codes = await letters(calm)
    assert codes["30/act-1"] == "failed"
    assert codes["31/act-1"] == "rejected"
    assert "32/act-1" not in codes
    (letter,) = [r for r in await calm.letters(OUTBOX) if header(r, "ce_id") == "30/act-1"]
    assert header(letter, "streamagents-attempts") == "3"
    assert letter.key == b"bob"
    assert json.loads(letter.value or b"")["text"] == "bad"


async def test_a_send_whose_time_was_up_is_unknown_too(calm: Fleet) -> None:
    await calm.send("deed", [deed(60, act("fax", gate="never"), act("fax", "next"), who="tim")])
    await calm.settled()
    assert len(sends(calm, "60/act-1")) == 1
    assert (await letters(calm))["60/act-1"] == "outcome_unknown"
    assert [text for *_, text in sent(calm, 60)] == ["next"]


async def test_a_channel_that_hangs_holds_only_its_own_effects_of_the_key(calm: Fleet) -> None:
    await calm.send("deed", [deed(40, act("mail", "1st", gate="hang"), who="eve")])
    await calm.send("deed", [deed(41, act("mail", "2nd"), act("bank", "other"), who="eve")])
    await calm.send("deed", [deed(42, act("mail", "free"), who="ron")])
    wait_until(lambda: sent(calm, 42) and sent(calm, 41))
    assert [text for *_, text in sent(calm, 41)] == ["other"]
    calm.open("hang")
    await calm.settled()
    mails = [text for via, _, key, text, _ in calm.lines("sent") if (via, key) == ("mail", "eve")]
    assert mails == ["1st", "2nd"]


async def test_a_foreign_record_in_the_outbox_is_skipped_and_an_unknown_channel_is_a_letter(
    calm: Fleet,
) -> None:
    ours = calm.group.encode()

    async def put(id_: str, app: bytes | None, via: str, value: bytes = b'{"text": "x"}') -> None:
        headers = [
            ("ce_id", id_.encode()),
            ("ce_source", b"test"),
            ("ce_type", f"streamagents.action.{via}".encode()),
            ("ce_specversion", b"1.0"),
        ]
        headers += [] if app is None else [("streamagents-app", app)]
        await calm.send(OUTBOX, [(b"key", value)], headers=headers)

    await put("50/other", b"another", "mail")
    await put("50/nobody", None, "mail")
    await put("50/longer", ours + b"x", "mail")
    await put("50/unknown", ours, "pigeon")
    await put("50/broken", ours, "mail", b"{")
    await put("50/wrong", ours, "bank", b'{"words": 1}')
    await put("50/good", ours, "mail")
    await calm.settled()
    assert [id_ for _, id_, _ in sent(calm, 50)] == ["50/good"]
    codes = {id_: code for id_, code in (await letters(calm)).items() if id_.startswith("50/")}
    assert codes == {
        "50/unknown": "unknown_channel",
        "50/broken": "undecodable",
        "50/wrong": "invalid",
    }


# -- workers that end while they send ------------------------------------------------------------


async def test_what_was_being_sent_at_a_sigterm_and_at_a_kill_is_what_its_channel_says(
    works: Fleet,
) -> None:
    worker = works.start(STREAMAGENTS_SHUTDOWN_GRACE_S="1")
    await works.send("deed", [deed(1, *(act(via, "before") for via in CHANNELS), who="before")])
    await works.settled()
    # Of 2 the peers have heard, but nobody wrote down that they have; of 3 they have not.
    await works.send("deed", [deed(2, *(act(via, after="on") for via in CHANNELS))])
    await works.send("deed", [deed(3, *(act(via, gate="on") for via in CHANNELS))])
    await works.send("deed", [deed(4, act("mail", "next"), act("bank", "next"), who="k3")])
    wait_until(lambda: len(sent(works, 2)) == 4 and len(works.lines("sending")) == 12)
    assert works.stop(worker) == 0

    worker = works.start()
    # Of mail and desk nobody knows: mail is sent again, the desk is looked at. 2's parcel is there.
    wait_until(lambda: len(works.lines("sending")) == 12 + 5)
    await works.send("deed", [deed(5, act("desk", gate="on"), act("bank", gate="on"))])
    await works.send("deed", [deed(6, act("desk", "queued"), who="k5")])
    wait_until(lambda: len(works.lines("sending")) == 19)
    assert {again for *_, again in sends(works, "5/act-1")} == {"new"}
    works.kill(worker)

    works.start()
    await works.send("deed", [deed(n, act("desk", "new"), who="k5") for n in (7, 8)])
    works.open("on")
    await works.settled()
    tries = {
        f"{n}/act-{at}": [again for *_, again in sends(works, f"{n}/act-{at}")]
        for n in (2, 3)
        for at in (1, 2, 3, 4)
    }
    assert tries == {
        "2/act-1": ["new", "again", "again"],  # mail: at least once
        "2/act-2": ["new", "again", "again"],  # bank: under the same idempotency key
        "2/act-3": ["new"],  # shop: it says that it has it
        "2/act-4": ["new"],  # desk: at most once
        "3/act-1": ["new", "again", "again"],
        "3/act-2": ["new", "again", "again"],
        "3/act-3": ["new", "again", "again"],  # shop: it says that it does not
        "3/act-4": ["new"],
    }
    assert [again for *_, again in sends(works, "5/act-2")] == ["new", "again"]
    for effect in (*tries, "5/act-2"):
        assert len({key for key, *_ in sends(works, effect)}) == 1
        assert {no for _, no, _ in sends(works, effect)} == {"1"}  # no failure was counted
    assert [has for _, id_, has, _ in works.lines("reconciled") if id_ == "2/act-3"] == ["True"]
    assert [has for _, id_, has, _ in works.lines("reconciled") if id_ == "3/act-3"] == (
        ["False"] * 2
    )
    assert [len(sends(works, f"1/act-{at}")) for at in (1, 2, 3, 4)] == [1] * 4
    unknown = ("2/act-4", "3/act-4", "5/act-1")
    assert await letters(works) == dict.fromkeys(unknown, "outcome_unknown")
    assert [text for *_, text in sent(works, 4)] == ["next", "next"]
    assert "event='effect_unknown' agent='desk' event_id='5/act-1'" in works.log.read_text()
    # What had not begun at the kill, and what was decided after it, is nothing to ask about.
    assert [len(sent(works, n)) for n in (6, 7, 8)] == [1] * 3

    (letter,) = [r for r in await works.letters(OUTBOX) if header(r, "ce_id") == "3/act-4"]
    assert "look there, then replay this letter" in header(letter, "__streams.errors.message")
    await works.replay(letter)  # a person has looked: it is sent, once
    await works.settled()
    assert [again for *_, again in sends(works, "3/act-4")] == ["new", "new"]
    assert len([id_ for via, id_, _ in sent(works, 3) if via == "desk"]) == 1
