"""`streamagents dlq` before it asks a broker: what is wrong with the question is one sentence."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from support.commands import CHECKOUT, SCRIPT, streamagents

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = {"STREAMAGENTS_BROKER": "127.0.0.1:1"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list", "--where", "data.[x"), "is no JMESPath expression"),
        (("list", "--where", "system('rm')"), "there is no function system"),
        (("show", "--since", "yesterday"), "is no moment"),
        (("export", "--until", "5"), "is no moment"),
        (("list",), "No Kafka broker can be reached at 127.0.0.1:1: is it running?"),
        (("show", "x"), "No Kafka broker can be reached"),
        (("purge", "--yes"), "No Kafka broker can be reached"),
        (("replay", "--yes"), "No Kafka broker can be reached"),
        (("replay", "--app", "no_such_module"), "There is no module 'no_such_module'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_code_1(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    began = time.monotonic()
    done = streamagents("dlq", *arguments, env=NOBODY, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert time.monotonic() - began < 30  # 15 on a machine that has nothing else to do


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("replay", "--edit", "--data", "{}"), "exclude each other"),
        (("replay", "--rate", "0"), "--rate"),
        (("replay", "--max-replays", "0"), "--max-replays"),
        (("show", "--limit", "0"), "--limit"),
        (("export", "--out", "/nowhere/at/all"), "cannot be written"),
        (("export", "--out", "/"), "cannot be written"),
        (("replay", "--file", "/nowhere"), "cannot be read"),
        (("replay", "--file", "/"), "cannot be read"),
        (("replay", "--file", "/dev/stdin"), "is a pipe or a device"),
        (("burn",), "No such command"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = streamagents("dlq", *arguments, env=NOBODY, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("list",),
        ("show", "x"),
        ("export", "--out", "letters.jsonl"),
        ("purge", "--yes"),
        ("replay", "--yes"),
    ],
)
def test_ctrl_c_while_a_broker_is_waited_for_ends_it_without_a_word(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        host, port = silent.getsockname()
        env = {"STREAMAGENTS_BROKER": f"{host}:{port}", "PYTHONPATH": str(CHECKOUT)}
        with subprocess.Popen(
            [sys.executable, "-c", SCRIPT, "dlq", *arguments],
            env={**os.environ, **env},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            connection, _ = silent.accept()
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=60)
            connection.close()

    assert (process.returncode, said) == (130, "")
    assert list(tmp_path.iterdir()) == []
