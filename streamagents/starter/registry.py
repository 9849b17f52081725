"""The starter app's registry: which agent takes which type. Needs no Faust to be imported."""

from __future__ import annotations

from streamagents.starter.events import (
    LeadScored,
    MentionClassified,
    OnboardingStarted,
    RecoveryPlanned,
    ReviewNeeded,
    UnknownEventSeen,
)
from streamagents.starter.fallback import FallbackAgent
from streamagents.starter.lead import LeadEnrichmentAgent
from streamagents.starter.monitoring import MonitoringAgent
from streamagents.starter.onboarding import OnboardingAgent
from streamagents.starter.recovery import RecoveryAgent

AGENT_REGISTRY = {
    "new_lead": LeadEnrichmentAgent(),
    "payment_failed": RecoveryAgent(),
    "mention": MonitoringAgent(),
    "form_submit": OnboardingAgent(),
}
FALLBACK = FallbackAgent()
EMITS = (
    LeadScored,
    RecoveryPlanned,
    MentionClassified,
    OnboardingStarted,
    ReviewNeeded,
    UnknownEventSeen,
)
