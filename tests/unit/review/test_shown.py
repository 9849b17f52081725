"""What is shown of letters: no secret, nothing that a terminal obeys, and never a crash."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from streamagents.pipeline.redaction import Redaction
from streamagents.review.shown import age, as_dict, in_words, safe
from support.post import CONNECT, SPRING, STREAMS, a_letter, foreign

NOW = datetime.fromtimestamp(1_795_400_000, UTC) + timedelta(hours=5)
REDACTION = Redaction(["Number"])

VALUES = [
    b"{",
    b"",
    None,
    b"\xff\x00\x1b[2J" * 99,
    b"x" * (1 << 20),
    bytes(1 << 20),
    b"[" * 100_000,
    b'{"a":' * 2000 + b"1" + b"}" * 2000,
    b'"text"',
    b"null",
]


@pytest.mark.parametrize("value", VALUES)
def test_any_payload_is_shown_and_harmless(value: bytes | None) -> None:
    letter = a_letter(value, headers=(("h\x1b", b"\xff\x1b"), ("n", None)))
    page = in_words(letter, REDACTION, "id\x1b[2J", NOW)

    assert all(char.isprintable() or char in "\n\t" for char in page)
    assert len(page) < 20_000
    assert json.loads(json.dumps(as_dict(letter, REDACTION, "id")))["size"] == len(value or b"")


@pytest.mark.parametrize("headers", [SPRING, CONNECT, STREAMS, ()])
def test_letters_of_others_are_shown(headers: tuple[tuple[str, bytes], ...]) -> None:
    page = in_words(foreign(headers), REDACTION, "id", NOW)

    assert "payload, 72 bytes" in page
    assert ("order:3:1234" in page) is bool(headers)


def test_secret_fields_are_hidden_wherever_they_are() -> None:
    letter = a_letter(headers=(("Authorization", b"Bearer abc"), ("ce_id", b"1")))
    shown = in_words(letter, REDACTION, "1", NOW) + json.dumps(as_dict(letter, REDACTION, "1"))

    assert "ada" in shown
    assert not [word for word in ("hush", "4111", "Bearer abc") if word in shown]


@pytest.mark.parametrize(
    "value",
    [
        b'{"customer": "ada", "password": "hush", "cut',
        b"customer=ada&password=hush",
        b"password: hush\ncustomer: ada",
        b'{"set-cookie": \'hush\', "customer": "ada"',
    ],
)
def test_secrets_in_what_is_no_json_are_hidden_too(value: bytes) -> None:
    page = in_words(a_letter(value), Redaction(), "1", NOW)

    assert "hush" not in page
    assert "ada" in page


def test_a_page_says_what_a_person_asks() -> None:
    page = in_words(a_letter(replay_count=2), Redaction(), "c-1", NOW)

    assert "order.dlq:2:0, written 5 h ago" in page
    assert "OrderAgent  group shop" in page
    assert "failed  ValueError" in page
    assert "3, replayed 2 times" in page
    assert "ce_id: c-1" in page
    assert '"amount": 7' in page


@pytest.mark.parametrize(
    ("seconds", "said"), [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (7200, "2 h"), (2e5, "2 d")]
)
def test_ages(seconds: float, said: str) -> None:
    assert age(NOW - timedelta(seconds=seconds), NOW) == said


def test_control_characters_are_written_out() -> None:
    assert safe("a\x1b[31m\u202eb\nc") == "a\\x1b[31m\\u202eb\\nc"
