"""`streamagents gateway` as a person starts it, without a broker."""

from __future__ import annotations

import socket

import pytest

from support.commands import CHECKOUT, streamagents

APP = ("--app", "support.gateway_app")
PATH = {"PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'tests'}"}


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"STREAMAGENTS_BIND": "0.0.0.0"}, "where others can reach it: set STREAMAGENTS_GATEWAY_"),
        ({"STREAMAGENTS_GATEWAY_TOKEN": "a b"}, "STREAMAGENTS_GATEWAY_TOKEN: a token has letters"),
        ({"STREAMAGENTS_HOOK_A_PRESET": "github"}, "STREAMAGENTS_HOOK_A: 'github' needs a secret"),
        (
            {"STREAMAGENTS_HOOK_A_PRESET": "unsigned", "STREAMAGENTS_HOOK_A_TYPE": "nothing"},
            "STREAMAGENTS_HOOK_A_TYPE names 'nothing'",
        ),
        ({"STREAMAGENTS_BIND": "256.1.1.1", "STREAMAGENTS_GATEWAY_TOKEN": "t"}, "cannot listen on"),
    ],
)
def test_what_cannot_work_is_told_in_a_sentence(env: dict[str, str], words: str) -> None:
    done = streamagents("gateway", *APP, env={**PATH, **env})

    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_told_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = streamagents("gateway", *APP, env={**PATH, "STREAMAGENTS_GATEWAY_PORT": port})

    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr
    assert "Traceback" not in done.stderr
