"""Who may run beside whom, when processes share the tests."""

from __future__ import annotations

import fcntl
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

import pytest

from support import wait_until
from support.turns import turn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Company:
    """Tests that say when they begin, and end when they are told."""

    def __init__(self, folder: Path, pool: ThreadPoolExecutor) -> None:
        self.inside: list[str] = []
        self._pool, self._ends = pool, dict[str, Event]()
        self._places = {name: folder / name for name in ("door", "room")}
        for place in self._places.values():
            place.touch()

    def begin(self, name: str, *, alone: bool = False) -> None:
        self._ends[name] = Event()
        self._pool.submit(self._run, name, alone=alone)

    def end(self, name: str) -> None:
        self._ends[name].set()
        wait_until(lambda: name not in self.inside)

    def end_all(self) -> None:
        for end in self._ends.values():
            end.set()

    def somebody_waits(self) -> bool:
        """Whether the door is held."""
        with self._places["door"].open() as door:
            try:
                fcntl.flock(door, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

    def _run(self, name: str, *, alone: bool) -> None:
        with turn(alone=alone, **self._places):
            self.inside.append(name)
            self._ends[name].wait(20)
            self.inside.remove(name)


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    with ThreadPoolExecutor(3) as pool:
        company = Company(tmp_path, pool)
        yield company
        company.end_all()


def test_tests_run_side_by_side(company: Company) -> None:
    company.begin("a")
    company.begin("b")

    wait_until(lambda: sorted(company.inside) == ["a", "b"])


def test_who_needs_the_machine_waits_for_the_others_and_they_for_it(company: Company) -> None:
    company.begin("first")
    wait_until(lambda: company.inside == ["first"])
    company.begin("alone", alone=True)
    wait_until(company.somebody_waits)
    company.begin("late")
    assert company.inside == ["first"]

    company.end("first")
    wait_until(lambda: company.inside == ["alone"])
    company.end("alone")
    wait_until(lambda: company.inside == ["late"])
