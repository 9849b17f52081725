"""The starter app's events: what comes in, and what the agents say about it.

A field `id` is the event's id, for senders without CloudEvents headers or an envelope: two
records with one id are one event. The id of an invoice or a customer has a field of its own.
A result's own id is `<id of the event it answers>/emit-<n>`, so no result repeats it.
"""

from streamagents.starter.events.incoming import (
    BrokenLink,
    CompetitorPost,
    FormSubmit,
    Mention,
    NewLead,
    PaymentFailed,
    PaymentFollowUp,
    PaymentSucceeded,
)
from streamagents.starter.events.results import (
    CompetitorPostRead,
    LeadScored,
    LinkReported,
    Mail,
    MentionClassified,
    OnboardingStarted,
    RecoveryEnded,
    RecoveryPlanned,
    ReviewNeeded,
    UnknownEventSeen,
)

__all__ = [
    "BrokenLink",
    "CompetitorPost",
    "CompetitorPostRead",
    "FormSubmit",
    "LeadScored",
    "LinkReported",
    "Mail",
    "Mention",
    "MentionClassified",
    "NewLead",
    "OnboardingStarted",
    "PaymentFailed",
    "PaymentFollowUp",
    "PaymentSucceeded",
    "RecoveryEnded",
    "RecoveryPlanned",
    "ReviewNeeded",
    "UnknownEventSeen",
]
