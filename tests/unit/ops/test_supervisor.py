"""The supervisor: what it is told, phase by phase, over a real socket."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from streamagents.ops.supervisor import BEAT_S, Supervisor, watchdog_s
from streamagents.settings import load_supervisor
from streamagents.testing import FakeClock
from support.supervising import listening

if TYPE_CHECKING:
    from streamagents.ops.view import Phase

EXTENDED, WITH_GRACE = "EXTEND_TIMEOUT_USEC=60000000", "EXTEND_TIMEOUT_USEC=85000000"
FINE = "STATUS=ok"


@pytest.mark.parametrize("abstract", [False, True])
def test_each_phase_is_told_once_and_the_watchdog_fed_at_every_beat(*, abstract: bool) -> None:
    clock, told = FakeClock(), []
    phases: list[Phase] = ["starting", "starting", "running", "running", "stopping", "stopping"]
    with listening(abstract=abstract) as systemd:
        supervisor = Supervisor(systemd.address, watchdog_s=60, clock=clock.monotonic)
        for phase in phases:
            supervisor.tell(phase, "ok", within_s=25)
            supervisor.tell(phase, "too early", within_s=25)
            told.append(systemd.next(1))
            clock.advance(BEAT_S)
        assert systemd.next(0.05) == []

    assert told == [
        [EXTENDED, "WATCHDOG=1", FINE],
        [EXTENDED, "WATCHDOG=1", FINE],  # a start that moves may go on
        ["READY=1", "WATCHDOG=1", FINE],
        ["WATCHDOG=1", FINE],
        ["STOPPING=1", WITH_GRACE, "WATCHDOG=1", FINE],
        ["WATCHDOG=1", FINE],  # an end that hangs is cut off
    ]


def test_what_does_not_live_is_shown_and_feeds_no_watchdog() -> None:
    with listening() as systemd:
        Supervisor(systemd.address).tell("running", "Kafka does not answer", alive=False)
        assert systemd.next(1) == ["READY=1", "STATUS=Kafka does not answer"]


def test_words_are_one_short_line() -> None:
    with listening() as systemd:
        Supervisor(systemd.address).tell("running", "a\nREADY=1\n" + "b" * 2000)
        assert systemd.next(1)[2] == "STATUS=a READY=1 " + "b" * (512 - len("a READY=1 "))


@pytest.mark.parametrize("address", ["", "vsock:2:1234", "relative"])
def test_nobody_listens_and_nothing_is_said(address: str) -> None:
    with capture_logs() as logs:
        supervisor = Supervisor(address)
        supervisor.tell("running")
    assert not supervisor.listens
    assert logs == []


def test_what_could_not_be_told_is_told_at_the_next_occasion_and_warned_of_once() -> None:
    clock = FakeClock()
    with listening() as systemd, capture_logs() as logs:
        supervisor = Supervisor(systemd.address, clock=clock.monotonic)
        place = Path(systemd.address)
        away = place.rename(place.with_name("away"))
        supervisor.tell("running")
        supervisor.tell("running")
        away.rename(place)
        supervisor.tell("running")
        assert systemd.next(1)[0] == "READY=1"

    assert [(line["event"], line["error"]) for line in logs] == [
        ("supervisor_deaf", "No such file or directory")
    ]


def test_a_socket_that_is_full_holds_nobody_up() -> None:
    with listening() as systemd:
        supervisor = Supervisor(systemd.address, watchdog_s=1e-9)
        with capture_logs() as logs:
            for _ in range(10_000):
                supervisor.tell("running")
    assert [line["error"] for line in logs] == ["Resource temporarily unavailable"]


@pytest.mark.parametrize(
    ("usec", "pid", "expected"),
    [
        ("60000000", "", 60.0),
        ("60000000", "17", 60.0),
        ("60000000", "18", None),  # another's, who handed its environment down
        ("", "", None),
        ("0", "", None),
        ("soon", "17", None),
        ("-1", "", None),
    ],
)
def test_the_watchdogs_time_is_ours_or_none(usec: str, pid: str, expected: float | None) -> None:
    assert watchdog_s(usec, pid, ours=17) == expected


@pytest.mark.parametrize(("usec", "beat_s"), [("", 5.0), ("60000000", 5.0), ("2000000", 0.5)])
def test_it_is_fed_four_times_in_its_time(
    usec: str, beat_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert load_supervisor().beat_s == beat_s
