from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from streamagents.devkit.foreground import StopAsked
from streamagents.devkit.stopping import Stopping


def test_outside_of_the_loop_the_first_signal_raises() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Stopping() as stopping:
        with pytest.raises(StopAsked):
            signal.raise_signal(signal.SIGTERM)
        assert stopping.exit_code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


def test_in_the_loop_the_first_signal_cancels_the_work() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(60)
        finally:
            ended.append("cleaned up")

    with Stopping() as stopping:

        async def main() -> None:
            await stopping.unless_asked(work())

        with pytest.raises(StopAsked):
            stopping.run(main())
    assert ended == ["cleaned up"]


def test_work_that_ends_first_gives_its_result() -> None:
    async def work() -> int:
        return 7

    with Stopping() as stopping:

        async def main() -> int:
            return await stopping.unless_asked(work())

        assert stopping.run(main()) == 7
        assert stopping.signal is None


def test_a_loop_may_wait_for_the_signal() -> None:
    with Stopping() as stopping:

        async def main() -> str:
            asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)
            await stopping.asked()
            return "asked"

        assert stopping.run(main()) == "asked"


def test_when_the_end_is_near_the_first_signal_changes_nothing() -> None:
    with Stopping() as stopping:
        stopping.no_more()
        signal.raise_signal(signal.SIGINT)
        assert stopping.signal == signal.SIGINT


def test_the_second_signal_ends_the_process_at_once() -> None:
    script = (
        "import signal\n"
        "from streamagents.devkit.stopping import Stopping\n"
        "with Stopping() as stopping:\n"
        "    stopping.at_once.append(lambda: print('last words', flush=True))\n"
        "    stopping.no_more()\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "    print('never')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, "last words\n")
