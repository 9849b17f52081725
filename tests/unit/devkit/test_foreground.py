from __future__ import annotations

import signal

import pytest

from streamagents.devkit.foreground import StopAsked, stop_signals_raised


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_is_raised_and_the_next_ignored(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_signals_raised():
        with pytest.raises(StopAsked):
            signal.raise_signal(number)
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(number) is before
