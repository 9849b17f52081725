"""The outcome of a replay: its bar, its sentence, its JSON, its exit code."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from streamagents.pipeline.replay import Stage

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator

    from streamagents.review.plan import Plan
    from streamagents.review.replaying import Result

_NAMES = {"done": "succeeded", "replaced": "failed again", "replayed": "are still under way"}


def exit_code(result: Result, outcomes: Counter[str]) -> int:
    """0: all of them went, and as far as was waited for succeeded."""
    failed = outcomes.total() - outcomes[Stage.DONE.value] - outcomes[Stage.SENT.value]
    return 1 if result.refused.total() or failed else 0


def as_dict(plan: Plan, result: Result, outcomes: Counter[str]) -> dict[str, Any]:
    """For `--json`."""
    return {
        "plan": plan.as_dict(),
        "replayed": result.sent,
        "parked": result.parked,
        "refused": dict(result.refused),
        "outcomes": dict(outcomes),
    }


def in_words(result: Result, outcomes: Counter[str]) -> str:
    """For a person."""
    said = [f"{result.sent:,} letters replayed, each confirmed by the broker"]
    if result.parked:
        said.append(f"{result.parked:,} parked for people")
    if result.refused.total():
        said.append(f"{result.refused.total():,} not")
    line = ", ".join(said) + "."
    if outcomes:
        told = ", ".join(f"{n:,} {_NAMES.get(word, word)}" for word, n in outcomes.most_common())
        line += f" Of these {told}."
    return line


@contextmanager
def bar(total: int, *, shown: bool) -> Iterator[Callable[[Result], None]]:
    """A bar on a terminal, nothing elsewhere."""
    from rich.console import Console  # noqa: PLC0415 - `--help` can do without
    from rich.progress import Progress  # noqa: PLC0415 - likewise

    console = Console(stderr=True)
    if not (shown and console.is_terminal):
        yield lambda _: None
        return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("replaying", total=total)
        yield lambda result: progress.update(task, completed=result.sent + result.parked)
