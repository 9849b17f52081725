"""What a user hands to a channel."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from streamagents.actions import DatabaseChannel, EmailChannel, HttpChannel
from streamagents.actions.given import several


@pytest.mark.parametrize(
    ("values", "taken"),
    [
        ("shop.example", ("shop.example",)),
        (SecretStr("a"), (SecretStr("a"),)),
        (["a", "b"], ("a", "b")),
        ((), ()),
        (iter("ab"), ("a", "b")),
    ],
)
def test_a_single_text_is_no_row_of_letters(values: Any, taken: tuple[Any, ...]) -> None:
    assert several(values) == taken


def test_channels_take_one_for_a_list_of_one(tmp_path: Any) -> None:
    DatabaseChannel(tmp_path / "records.db", tables="leads")
    EmailChannel("mx.example", sender="crm@shop.example", allow_recipients="@shop.example")
    HttpChannel(allow_hosts="shop.example", secrets="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
