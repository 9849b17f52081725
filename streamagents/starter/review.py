"""Reaching people: telling the team something, and the one way in which a person is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamagents.actions import LogLine, SlackLink, SlackMessage
from streamagents.starter.events import ReviewNeeded
from streamagents.starter.reading import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamagents import Context

REVIEWS = "reviews"
"""The Slack channel of what a person has to look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What the team is told."""

    channel: str
    """Of Slack, without the number sign."""
    title: str
    text: str
    draft: str = ""
    url: str | None = None
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Whoever is reached: through Slack where it is configured, else through the worker's log."""

    slack: bool = False

    def tell(self, ctx: Context, note: Note, *, name: str) -> None:
        """Decide on a message; it is sent once the event is done."""
        ctx.act(_message(note) if self.slack else _line(note), name=name)


def ask_a_person(
    ctx: Context,
    team: Team,
    *,
    subject: str | None,
    reasons: Sequence[str],
    draft: str = "",
    url: str | None = None,
) -> None:
    """Tell the team why somebody has to look, with the draft, and emit `review_needed`."""
    about = {"event": ctx.event.type, "id": ctx.event.id, "subject": subject or "nobody named"}
    note = Note(
        channel=REVIEWS,
        title=f"A person has to look: {one_line(ctx.event.type)}",
        text="\n".join(reasons),
        draft=draft,
        url=url,
        fields=about,
    )
    team.tell(ctx, note, name="review")
    ctx.emit(
        ReviewNeeded(
            subject=subject,
            about=ctx.event.type,
            reasons=list(reasons),
            draft=draft,
            provider=ctx.llm.provider,
        )
    )


def _message(note: Note) -> SlackMessage:
    return SlackMessage(
        channel=note.channel,
        title=note.title,
        text=note.text,
        draft=note.draft,
        link=SlackLink(url=note.url) if note.url else None,
        fields=dict(note.fields),
    )


def _line(note: Note) -> LogLine:
    more = {"channel": note.channel, "reason": note.text, "draft": note.draft, "url": note.url}
    return LogLine(text=note.title, fields={**note.fields, **more})
