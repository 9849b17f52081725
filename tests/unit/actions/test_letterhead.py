"""The bytes of an e-mail: whatever a model wrote, it stays in its place."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from streamagents.actions.address import Recipients
from streamagents.actions.letterhead import mail_bytes

NAMES = {
    "Content-Type",
    "MIME-Version",
    "Content-Transfer-Encoding",
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
}


def written(**changes: Any) -> bytes:
    given: dict[str, Any] = {
        "sender": ("", "crm@shop.example"),
        "to": ["ann@example.com"],
        "reply_to": None,
        "subject": "s",
        "text": "t",
        "message_id": "id@shop.example",
        "at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return mail_bytes(**{**given, **changes})


HOSTILE = [
    "hi\r\nBcc: eve@evil.example",
    "hi\nX-Evil: 1\n\nbody",
    "hi\rX-Evil: 1",
    "hi\x0bX-Evil: 1\x0cX-Evil: 2\x85X-Evil: 3\u2028X-Evil: 4",
    "=?utf-8?q?hi=0D=0AX-Evil:_1?=",
    "=?utf-8?b?aGkNClgtRXZpbDogMQ==?=",
    "ü =?utf-8?q?hi=0AX-Evil:_1?= \r\n X-Evil: 1",
    "x" * 5000 + "\r\nX-Evil: 1",
    " " * 900 + "X-Evil: 1",
    "\0\x1b[31m\x7f",
    "",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("where", ["subject", "sender"])
def test_nothing_gets_out_of_its_header(text: str, where: str) -> None:
    raw = written(**{where: text if where == "subject" else (text, "crm@shop.example")})

    head, _, body = raw.partition(b"\r\n\r\n")
    message = message_from_bytes(raw, policy=default)
    assert set(message.keys()) == NAMES
    assert body == b"t"
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))


def test_a_subject_that_looks_encoded_is_shown_as_it_is() -> None:
    message = message_from_bytes(written(subject="=?utf-8?q?hi?="), policy=default)

    assert message["Subject"] == "=?utf-8?q?hi?="


def test_a_long_subject_is_cut_where_it_can_be_seen() -> None:
    message = message_from_bytes(written(subject="ab " * 200), policy=default)

    assert len(message["Subject"]) == 250
    assert message["Subject"].endswith("…")


@pytest.mark.parametrize("name", ['Ann "the crm" O\\Neil', "Crm, Inc. <x@y.example>", "Köln"])
def test_a_senders_name_is_a_name(name: str) -> None:
    message = message_from_bytes(written(sender=(name, "crm@shop.example")), policy=default)

    (sender,) = message["From"].addresses
    assert (sender.display_name, sender.addr_spec) == (name, "crm@shop.example")


def test_a_text_of_any_shape_comes_through() -> None:
    text = "a\r\n.\r\n\rb\n" + "ü" * 3000 + "\n=20\n--\nFrom x\n" + "long " * 400

    message = message_from_bytes(written(text=text), policy=default)

    assert message.get_content().splitlines() == text.replace("\r\n", "\n").replace(
        "\r", "\n"
    ).split("\n")


@pytest.mark.parametrize(
    ("allowed", "address", "verdict"),
    [
        ([], "ann@example.com", False),
        (["*"], "ann@example.com", True),
        (["Ann@Example.com"], "ann@example.COM", True),
        (["ann@example.com"], "bob@example.com", False),
        (["@example.com"], "bob@example.com", True),
        (["@example.com"], "bob@sub.example.com", False),
        (["@example.com"], "bob@notexample.com", False),
        (["@bücher.example"], "ann@xn--bcher-kva.example", True),
        (["@a.example", " bob@b.example "], "bob@b.example", True),
    ],
)
def test_who_may_be_written_to(allowed: list[str], address: str, verdict: bool) -> None:  # noqa: FBT001 - a table's column
    assert (address in Recipients(allowed)) is verdict
