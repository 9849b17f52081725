"""The competitor agent: what the others publish, and whom it concerns."""

from functools import partial

from streamagents import Context
from streamagents.starter import prompts
from streamagents.starter.events import CompetitorPost, CompetitorPostRead
from streamagents.starter.kinds import PostView
from streamagents.starter.reading import bounded, one_line
from streamagents.starter.review import Note, Team
from streamagents.starter.rules import competitor as rules


class CompetitorAgent:
    """Sums up competitors' posts, and tells those whom they concern."""

    def __init__(self, team: Team | None = None) -> None:
        self.team = team or Team()

    async def run(self, post: CompetitorPost, ctx: Context) -> None:
        """Emit `competitor_post_read`, and post it to the Slack channel of its first tag."""
        view = await ctx.llm.extract(
            PostView,
            prompts.POST,
            system=prompts.WHO,
            data=bounded(post),
            rules=partial(rules.view, post),
        )
        tags = list(dict.fromkeys(view.tags))
        channel = rules.channel_of(tags)
        ctx.log.info("post read", action="competitor_post_read", channel=channel, tags=tags)
        ctx.emit(
            CompetitorPostRead(
                subject=post.company,
                decision="keep" if view.empty else "tell",
                channel=channel,
                tags=list(tags),
                summary=view.summary,
                url=post.url,
                reasons=view.reasons,
                provider=ctx.llm.provider,
            )
        )
        if not view.empty:
            note = Note(
                channel=channel,
                title=f"{one_line(post.company)}: {', '.join(tags)}",
                text=view.summary,
                url=post.url,
                fields={"published": one_line(post.published or "unknown")},
            )
            self.team.tell(ctx, note, name="post")
