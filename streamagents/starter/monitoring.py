"""The monitoring agent: how we are spoken of, and what needs an answer."""

from functools import partial

from streamagents import Context
from streamagents.starter import prompts
from streamagents.starter.events import Mention, MentionClassified
from streamagents.starter.kinds import MentionView, Sentiment
from streamagents.starter.reading import bounded, one_line
from streamagents.starter.review import Note, Team, ask_a_person
from streamagents.starter.rules import monitoring as rules

MENTIONS = "mentions"
"""The Slack channel of mentions that blame us."""
NOTE_CHARS = 3000


class MonitoringAgent:
    """Classifies public mentions; those that blame us reach the team with a draft."""

    def __init__(self, team: Team | None = None) -> None:
        self.team = team or Team()

    async def run(self, mention: Mention, ctx: Context) -> None:
        """Emit `mention_classified`; tell the team of blame, ask a person about anger."""
        view = await ctx.llm.extract(
            MentionView,
            prompts.MENTION,
            system=prompts.WHO,
            data=bounded(mention),
            rules=partial(rules.view, mention),
        )
        seen = counted(view.sentiment, ctx)
        judged = MentionClassified(
            subject=mention.author,
            decision=rules.decide(view),
            seen=seen,
            provider=ctx.llm.provider,
            **view.model_dump(),
        )
        ctx.log.info("mention classified", action="mention_classified", sentiment=view.sentiment)
        ctx.emit(judged)
        if judged.decision == "ask_a_person":
            who, why, url = judged.subject, view.reasons, mention.url
            ask_a_person(ctx, self.team, subject=who, reasons=why, draft=view.draft, url=url)
        elif view.sentiment == "negative":
            self.team.tell(ctx, blame(mention, view, seen), name="blame")


def counted(sentiment: Sentiment, ctx: Context) -> int:
    """How many mentions of this sentiment the author has written; of nobody it is the first."""
    if ctx.event.key is None:
        return 1
    seen = int(ctx.state.get(sentiment, 0)) + 1
    ctx.state.set(sentiment, seen)
    return seen


def blame(mention: Mention, view: MentionView, seen: int) -> Note:
    """What the team is told of a mention that blames us."""
    author = one_line(mention.author or "somebody")
    return Note(
        channel=MENTIONS,
        title=f"{author} is not happy with us",
        text=mention.text[:NOTE_CHARS],
        draft=view.draft,
        url=mention.url,
        fields={
            "platform": one_line(mention.platform or "unknown"),
            "urgency": view.urgency,
            "of this author": f"{seen} negative",
        },
    )
