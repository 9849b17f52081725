"""Crashes: who may run beside whom, after a worker died with events in its hands.

A death is no failure of an event: it is counted apart. The more often an event was in flight at a
death, the more alone it runs; only one that kills its worker twice while nothing else runs there
is taken for the culprit. A shutdown, a rebalance and a release never count. A worker that was
frozen looks dead to its successor; back again, it meets its own death and forgets it.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING

from streamagents.pipeline.outcome import DeadLetter

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from streamagents.pipeline.mark import History

FEW = 16
"""Events with two deaths that run at once in a worker."""
VERDICT = 2
"""Deaths while alone that prove an event guilty."""
_REMEMBERED = 8


class Company(Enum):
    """In which company an event may run."""

    ANY = "any"
    FEW = "few"
    ALONE = "alone"


def company(history: History, cleared: AbstractSet[str]) -> Company:
    """Decide by the deaths that nobody has been found guilty of yet."""
    deaths = len(set(history.deaths) - cleared)
    if deaths < 2:  # noqa: PLR2004 - the rule's own numbers: 2 deaths, then 3
        return Company.ANY
    return Company.FEW if deaths == 2 else Company.ALONE  # noqa: PLR2004


def verdict(history: History) -> DeadLetter | None:
    """Decide whether the event is the one that kills its workers."""
    if len(history.deaths_alone) < VERDICT:
        return None
    return DeadLetter(
        "crash",
        f"{len(history.deaths)} workers died while they ran this event, "
        f"{len(history.deaths_alone)} of them with nothing else in hand.",
    )


def with_death(deaths: tuple[str, ...], process: str) -> tuple[str, ...]:
    """The deaths, and one more; a process dies once."""
    return deaths if process in deaths else (*deaths, process)[-_REMEMBERED:]


def without(history: History, process: str) -> History:
    """The history as a process sees it that is alive, whatever others have thought."""
    if process not in history.deaths:
        return history
    return replace(
        history,
        deaths=tuple(name for name in history.deaths if name != process),
        deaths_alone=tuple(name for name in history.deaths_alone if name != process),
    )
