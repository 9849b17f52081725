"""Asking a person: the one function through which the starter app does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.starter.events import ReviewNeeded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamagents import Context


def ask_a_person(ctx: Context, *, subject: str | None, reasons: Sequence[str], draft: str) -> None:
    """Say in the log why somebody has to look, and emit `review_needed` with the draft.

    The log is the only channel so far. The event is what counts: it leaves in one group with the
    done mark, so it is there once, while a line of an attempt that fails stays in the log.
    """
    ctx.log.warning(
        "a person has to look at this event",
        action="review_needed",
        event_id=ctx.event.id,
        reasons=list(reasons),
        draft=draft,
    )
    ctx.emit(
        ReviewNeeded(subject=subject, about=ctx.event.type, reasons=list(reasons), draft=draft)
    )
