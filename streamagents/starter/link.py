"""The link agent: where a broken link stands, since when, and what may stand there instead."""

from datetime import datetime
from functools import partial

from streamagents import Context
from streamagents.starter import prompts
from streamagents.starter.events import BrokenLink, LinkReported
from streamagents.starter.kinds import LinkView
from streamagents.starter.reading import bounded
from streamagents.starter.review import Note, Team
from streamagents.starter.rules import link as rules

WEBSITE = "website"
"""The Slack channel of those who keep our pages."""
AGAIN_DAYS = 7
"""A link that stays broken is told of again after so many days."""


class LinkAgent:
    """Finds out what is wrong with a link, and tells those who keep the page."""

    def __init__(self, team: Team | None = None) -> None:
        self.team = team or Team()

    async def run(self, link: BrokenLink, ctx: Context) -> None:
        """Emit `link_reported`, and tell the team, once a week of each link."""
        view = await ctx.llm.extract(
            LinkView,
            prompts.LINK,
            system=prompts.WHO,
            data=bounded(link),
            rules=partial(rules.view, link),
        )
        seen_at = min(link.checked_at or ctx.event.time, ctx.now())  # some clocks are ahead
        since = min(link.since or seen_at, ctx.state.get("since", seen_at, type=datetime))
        report = rules.report(link, view, since=since, seen_at=seen_at, provider=ctx.llm.provider)
        ctx.log.info("link reported", action="link_reported", decision=report.decision)
        ctx.emit(report)
        if report.decision == "fixed":
            ctx.state.delete("since")
            ctx.state.delete("told")
            return
        ctx.state.set("since", since)
        told = ctx.state.get("told", type=datetime)
        due = told is None or (seen_at - told).days >= AGAIN_DAYS
        if due and report.decision != "wait":
            ctx.state.set("told", seen_at)
            self.team.tell(ctx, note(report), name="link")


def note(report: LinkReported) -> Note:
    """What the team is told."""
    return Note(
        channel=WEBSITE,
        title=f"A broken link: {report.decision.replace('_', ' ')}",
        text=report.summary,
        draft=report.suggestion or "",
        url=report.page,
        fields={"since": f"{report.since:%Y-%m-%d}", "cause": report.cause},
    )
