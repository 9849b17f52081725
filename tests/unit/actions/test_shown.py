"""What a peer said, as far as it may be repeated."""

from __future__ import annotations

from base64 import b64encode

import pytest

from streamagents.actions.shown import shown


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("5.7.1 Message rejected as spam", "5.7.1 Message rejected as spam"),
        ("a\r\nb\tc\x1b[31m\u2028d", "a b c [31m d"),
        ("<ann@example.com>: unknown; bob@b.example", "<***>: unknown; ***"),
        ("you said hunter22!", "you said ***!"),
        (f"you said {b64encode(b'hunter22').decode()}", "you said ***="),
        (f"you said {b64encode(b'hunter22').decode().rstrip('=')}", "you said ***"),
        ("token c2VjcmV0LXNlY3JldC1zZWNyZXQ= is old", "token *** is old"),
        ("x" * 23, "x" * 23),
        ("word " * 100, ("word " * 100)[:199] + "…"),
        ("", ""),
    ],
)
def test_an_answer_is_one_line_without_what_is_nobodys_affair(said: str, told: str) -> None:
    assert shown(said, ["hunter22", "ab"]) == told
