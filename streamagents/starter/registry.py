"""The starter app's registry: which agent takes which type. Needs no Faust to be imported."""

from __future__ import annotations

from typing import Any

from streamagents.starter.competitor import CompetitorAgent
from streamagents.starter.events import (
    CompetitorPostRead,
    LeadScored,
    LinkReported,
    MentionClassified,
    OnboardingStarted,
    RecoveryEnded,
    RecoveryPlanned,
    ReviewNeeded,
    UnknownEventSeen,
)
from streamagents.starter.fallback import FallbackAgent
from streamagents.starter.lead import LEADS, LeadEnrichmentAgent
from streamagents.starter.link import LinkAgent
from streamagents.starter.monitoring import MonitoringAgent
from streamagents.starter.onboarding import OnboardingAgent
from streamagents.starter.recovery import RecoveryAgent
from streamagents.starter.review import Team
from streamagents.starter.site import Site


def build_agents(team: Team, site: Site) -> dict[str, Any]:
    """The agents by type; the recovery agent takes three, for they tell one story."""
    recovery = RecoveryAgent(team)
    return {
        "new_lead": LeadEnrichmentAgent(site, team),
        "payment_failed": recovery,
        "payment_succeeded": recovery,
        "payment_follow_up": recovery,
        "mention": MonitoringAgent(team),
        "form_submit": OnboardingAgent(team),
        "competitor_post": CompetitorAgent(team),
        "broken_link": LinkAgent(team),
    }


AGENT_REGISTRY = build_agents(Team(), Site())
"""As it runs without any setting: the team is told in the log, and no site is read."""
FALLBACK = FallbackAgent()
TABLES = (LEADS,)
"""What the agents keep records in."""
EMITS = (
    LeadScored,
    RecoveryPlanned,
    RecoveryEnded,
    MentionClassified,
    OnboardingStarted,
    CompetitorPostRead,
    LinkReported,
    ReviewNeeded,
    UnknownEventSeen,
)
