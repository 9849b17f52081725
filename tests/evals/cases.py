"""The labelled cases, and what an agent made of one, in the words of its labels."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamagents.events import Event
from streamagents.starter.events import (
    BrokenLink,
    CompetitorPost,
    CompetitorPostRead,
    FormSubmit,
    LeadScored,
    LinkReported,
    Mention,
    MentionClassified,
    NewLead,
    OnboardingStarted,
    PaymentFailed,
    RecoveryPlanned,
    ReviewNeeded,
    UnknownEventSeen,
)
from streamagents.starter.registry import AGENT_REGISTRY, FALLBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FOLDER = Path(__file__).parent
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
Outcome = dict[str, Any]
Model = type[Event]
"""`type` itself is a field's name below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One event and its labels."""

    id: str
    half: str
    awkward: str
    type: str
    event: dict[str, Any]
    expect: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An agent under evaluation."""

    name: str
    type: str
    model: Model | None
    read: Callable[[Sequence[Event], Outcome], Outcome]
    """What was emitted, in the words of the labels; those are there for sets one member of which
    is asked for."""

    @property
    def agent(self) -> Any:
        """It, as the starter app has it."""
        return AGENT_REGISTRY[self.type] if self.model else FALLBACK

    def cases(self) -> list[Case]:
        """All of its cases, in the order of the file."""
        lines = (FOLDER / f"{self.name}.jsonl").read_text().splitlines()
        return [Case(**{"awkward": "", "type": self.type, **json.loads(line)}) for line in lines]


def _first(emitted: Sequence[Event], kind: type[Event]) -> Any:
    return next((event for event in emitted if isinstance(event, kind)), None)


def _lead(emitted: Sequence[Event], _: Outcome) -> Outcome:
    return {"tier": _first(emitted, LeadScored).tier, "asks": _asks(emitted)}


def _recovery(emitted: Sequence[Event], _: Outcome) -> Outcome:
    planned = _first(emitted, RecoveryPlanned)
    return {"decline": planned.decline, "decision": planned.decision}


def _monitoring(emitted: Sequence[Event], _: Outcome) -> Outcome:
    return {"sentiment": _first(emitted, MentionClassified).sentiment, "asks": _asks(emitted)}


def _onboarding(emitted: Sequence[Event], _: Outcome) -> Outcome:
    started, review = _first(emitted, OnboardingStarted), _first(emitted, ReviewNeeded)
    spam = review is not None and any("spam" in reason for reason in review.reasons)
    return {"begins": started is not None, "spam": spam, "track": started and started.track}


def _competitor(emitted: Sequence[Event], expect: Outcome) -> Outcome:
    read = _first(emitted, CompetitorPostRead)
    tag = expect["tag"] if expect["tag"] in read.tags else read.tags[0]
    return {"tell": read.decision == "tell", "channel": read.channel, "tag": tag}


def _link(emitted: Sequence[Event], _: Outcome) -> Outcome:
    report = _first(emitted, LinkReported)
    return {"cause": report.cause, "decision": report.decision, "suggestion": report.suggestion}


def _fallback(emitted: Sequence[Event], _: Outcome) -> Outcome:
    return {"looks_like": _first(emitted, UnknownEventSeen).looks_like, "asks": _asks(emitted)}


def _asks(emitted: Sequence[Event]) -> bool:
    return _first(emitted, ReviewNeeded) is not None


SUBJECTS = (
    Subject(name="lead", type="new_lead", model=NewLead, read=_lead),
    Subject(name="recovery", type="payment_failed", model=PaymentFailed, read=_recovery),
    Subject(name="monitoring", type="mention", model=Mention, read=_monitoring),
    Subject(name="onboarding", type="form_submit", model=FormSubmit, read=_onboarding),
    Subject(name="competitor", type="competitor_post", model=CompetitorPost, read=_competitor),
    Subject(name="link", type="broken_link", model=BrokenLink, read=_link),
    Subject(name="fallback", type="", model=None, read=_fallback),
)
