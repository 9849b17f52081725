"""Crashes: a poison dies with its worker five times and never again, a bystander never pays."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamagents.pipeline.crashes import FEW, Company, company, verdict, with_death
from streamagents.pipeline.mark import History

if TYPE_CHECKING:
    from streamagents.pipeline.outcome import DeadLetter


@dataclass
class Life:
    """One event, as the marks remember it."""

    poison: bool
    history: History = field(default_factory=History)
    done: bool = False
    letter: DeadLetter | None = None

    @property
    def open(self) -> bool:
        return not self.done and self.letter is None


def live(events: list[Life], process: str, cleared: set[str]) -> bool:
    """One worker's life: whether it died of an event in its hands."""
    for event in events:
        if event.open and (guilty := verdict(event.history)) is not None:
            event.letter = guilty
            cleared.update(event.history.deaths)
    waiting = [event for event in events if event.open]
    while waiting:
        together = in_company(waiting, cleared)
        for event in together:
            alone = company(event.history, cleared) is Company.ALONE
            event.history = replace(event.history, owner=process, alone=alone)
        if any(event.poison for event in together):
            for event in together:
                bury(event, process)
            return True
        for event in together:
            event.done = True
        waiting = [event for event in waiting if event.open]
    return False


def in_company(waiting: list[Life], cleared: set[str]) -> list[Life]:
    """Who may run at once: everybody unsuspicious and a few suspects, or one alone."""
    free = [e for e in waiting if company(e.history, cleared) is Company.ANY]
    few = [e for e in waiting if company(e.history, cleared) is Company.FEW]
    return free + few[:FEW] or waiting[:1]


def bury(event: Life, process: str) -> None:
    """What the next owner makes of the mark that a dead process left."""
    event.history = replace(
        event.history,
        deaths=with_death(event.history.deaths, process),
        deaths_alone=with_death(event.history.deaths_alone, process)
        if event.history.alone
        else event.history.deaths_alone,
    )


@pytest.mark.parametrize("bystanders", [0, 1, 15, 16, 40, 200])
def test_a_poison_is_dead_lettered_after_exactly_five_deaths(bystanders: int) -> None:
    poison = Life(poison=True)
    events = [*(Life(poison=False) for _ in range(bystanders)), poison]
    deaths, cleared = 0, set[str]()
    while live(events, f"p{deaths + 1}", cleared):
        deaths += 1

    assert deaths == 5
    assert poison.letter is not None
    assert poison.letter.code == "crash"
    assert "5 workers died" in poison.letter.reason
    assert all(event.done for event in events if not event.poison)


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_no_bystander_is_ever_dead_lettered(poisons: list[bool]) -> None:
    events = [Life(poison=poison) for poison in poisons]
    deaths, cleared = 0, set[str]()
    while live(events, f"p{deaths + 1}", cleared):
        deaths += 1
        assert deaths <= 5 * len(poisons)

    assert [event.letter is not None for event in events] == poisons


@pytest.mark.parametrize(
    ("deaths", "expected"),
    [
        ((), Company.ANY),
        (("a",), Company.ANY),
        (("a", "b"), Company.FEW),
        (("a", "b", "c"), Company.ALONE),
        (("a", "b", "c", "d", "e"), Company.ALONE),
    ],
)
def test_the_more_deaths_the_more_alone(deaths: tuple[str, ...], expected: Company) -> None:
    assert company(History(deaths=deaths), frozenset()) is expected


@pytest.mark.parametrize(
    ("cleared", "expected"),
    [({"a"}, Company.FEW), ({"a", "b"}, Company.ANY), ({"x"}, Company.ALONE)],
)
def test_a_verdict_elsewhere_clears_those_who_shared_the_crash(
    cleared: set[str], expected: Company
) -> None:
    assert company(History(deaths=("a", "b", "c")), cleared) is expected


def test_only_deaths_alone_convict() -> None:
    many = tuple("abcdefgh")

    assert verdict(History(deaths=many)) is None
    assert verdict(History(deaths=many, deaths_alone=many[:1])) is None
    assert verdict(History(deaths=many, deaths_alone=many[:2])) is not None


def test_a_process_dies_once() -> None:
    assert with_death(("a", "b"), "a") == ("a", "b")
    assert with_death(("a",), "b") == ("a", "b")


def test_a_mark_does_not_grow_with_every_death() -> None:
    deaths: tuple[str, ...] = ()
    for number in range(100):
        deaths = with_death(deaths, f"p{number}")

    assert deaths == tuple(f"p{number}" for number in range(92, 100))
    assert company(History(deaths=deaths), frozenset()) is Company.ALONE
