"""The lead agent: who writes to us, what it is worth, and how to answer."""

from functools import partial
from typing import Literal

from streamagents import Context
from streamagents.actions import RecordUpsert
from streamagents.starter import prompts
from streamagents.starter.events import LeadScored, NewLead
from streamagents.starter.kinds import LeadView, Tier
from streamagents.starter.reading import bounded, one_line
from streamagents.starter.review import Team, ask_a_person
from streamagents.starter.rules import lead as rules
from streamagents.starter.site import Profile, Site, site_of

LEADS = "leads"
"""The table of the CRM."""
LONG = 4096
"""Tokens for a sequence of mails."""
DECISIONS: dict[Tier, Literal["call_today", "send_material", "keep_in_mind"]] = {
    "hot": "call_today",
    "warm": "send_material",
    "cold": "keep_in_mind",
}


class LeadEnrichmentAgent:
    """Enriches and scores new leads, keeps them in the CRM, and drafts the first mails."""

    def __init__(self, site: Site | None = None, team: Team | None = None) -> None:
        self.site, self.team = site or Site(), team or Team()

    async def run(self, lead: NewLead, ctx: Context) -> None:
        """Emit `lead_scored`, write the record, and ask a person where something is odd."""
        profile: Profile = await ctx.step("profile", self.site.profile, site_of(lead))
        view = await ctx.llm.extract(
            LeadView,
            prompts.LEAD,
            system=prompts.WHO,
            data=bounded({"lead": lead, "profile": profile}),
            max_tokens=LONG,
            rules=partial(rules.view, lead, profile),
        )
        # What is odd by a fact stays odd, whatever a model was talked into.
        odd = list(dict.fromkeys([*view.odd, *rules.odd(lead)]))
        scored = LeadScored(
            subject=lead.email,
            decision="ask_a_person" if odd else DECISIONS[view.tier],
            draft=view.sequence[0].text,
            website=profile.title or None,
            provider=ctx.llm.provider,
            **view.model_dump(exclude={"odd"}),
        )
        ctx.log.info("lead scored", action="lead_scored", tier=view.tier, score=view.score)
        ctx.emit(scored)
        ctx.act(RecordUpsert(table=LEADS, key=lead.email, values=record(lead, scored)), "crm")
        if odd:
            ask_a_person(ctx, self.team, subject=lead.email, reasons=odd, draft=scored.draft)


def record(lead: NewLead, scored: LeadScored) -> dict[str, str | int | None]:
    """What the CRM keeps of a lead: what is known now; what is not known stays as it was."""
    known = {
        "name": lead.name,
        "company": lead.company,
        "role": lead.role,
        "source": lead.source,
        "website": scored.website,
    }
    return {
        **{field: one_line(value, 200) for field, value in known.items() if value},
        "tier": scored.tier,
        "score": scored.score,
        "decision": scored.decision,
        "provider": scored.provider,
    }
