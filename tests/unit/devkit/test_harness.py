from __future__ import annotations

import pytest

from streamagents.devkit.harness import is_loopback


@pytest.mark.parametrize(
    ("bootstrap", "here"),
    [
        ("127.0.0.1:9092", True),
        ("127.1.2.3:9092", True),
        ("localhost:9092", True),
        ("[::1]:9092", True),
        ("127.0.0.1:9092, localhost:9093", True),
        ("127.0.0.1:9092,kafka.example.com:9092", False),
        ("10.0.0.1:9092", False),
        ("0.0.0.0:9092", False),
        ("localhost.example.com:9092", False),
        ("kafka:9092", False),
    ],
)
def test_only_this_machine_is_here(bootstrap: str, here: bool) -> None:  # noqa: FBT001 - a case
    assert is_loopback(bootstrap) is here
