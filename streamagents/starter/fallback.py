"""The fallback agent: takes what no other agent takes, says what it is, and asks a person."""

from functools import partial
from typing import Any

from streamagents import Context
from streamagents.starter import prompts
from streamagents.starter.kinds import UnknownView
from streamagents.starter.review import Team, ask_a_person
from streamagents.starter.rules import fallback as rules


class FallbackAgent:
    """Handles events of every type that has no agent of its own."""

    def __init__(self, team: Team | None = None) -> None:
        self.team = team or Team()

    async def run(self, event: dict[str, Any], ctx: Context) -> None:
        """Emit `unknown_event_seen`, and ask a person, unless it is a mere sign of life."""
        where = ctx.event
        seen = rules.describe(event, type_=where.type, topic=where.topic, source=where.source)
        view = await ctx.llm.extract(
            UnknownView,
            prompts.UNKNOWN,
            system=prompts.WHO,
            # Names alone: what the values are nobody has said yet.
            data={"type": seen.type, "fields": seen.fields, "known": rules.known_fields()},
            rules=partial(rules.view, event, where.type),
        )
        ctx.log.warning(
            "no agent takes this type of event",
            action="unknown_event_seen",
            type=seen.type,
            fields=seen.fields,
            size_bytes=seen.size_bytes,
        )
        told = {"summary": view.summary, "looks_like": view.looks_like}
        ctx.emit(seen.model_copy(update={**told, "provider": ctx.llm.provider}))
        if not view.noise:
            ask_a_person(ctx, self.team, subject=seen.type, reasons=[view.summary])
