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
        read = read_of(post, view, provider=ctx.llm.provider)
        ctx.log.info("post read", action="competitor_post_read", channel=read.channel)
        ctx.emit(read)
        if read.decision == "tell":
            self.team.tell(ctx, note(post, read), name="post")


def read_of(post: CompetitorPost, view: PostView, *, provider: str) -> CompetitorPostRead:
    """What is emitted of a post."""
    tags = list(dict.fromkeys(view.tags))
    return CompetitorPostRead(
        subject=post.company,
        decision="keep" if view.empty else "tell",
        channel=rules.channel_of(tags),
        tags=list(tags),
        summary=view.summary,
        url=post.url,
        reasons=view.reasons,
        provider=provider,
    )


def note(post: CompetitorPost, read: CompetitorPostRead) -> Note:
    """What the team is told."""
    return Note(
        channel=read.channel,
        title=f"{one_line(post.company)}: {', '.join(read.tags)}",
        text=read.summary,
        url=post.url,
        fields={"published": one_line(post.published or "unknown")},
    )
