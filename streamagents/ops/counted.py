"""What is counted of events: each counter's name, its help, and the labels that are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamagents.ops.series import Counts

if TYPE_CHECKING:
    from collections.abc import Sequence

OUTCOMES = ("ok", "duplicate", "retried", "dead_lettered", "skipped", "awaiting_review")
"""Of `events_processed_total`. A retried event is none that has ended: it comes again."""
_STEPS = ("ran", "stored", "failed")
_RERUNS = ("arguments", "version", "invalid")
LETTER_CODES = (
    "failed",
    "rejected",
    "invalid",
    "undecodable",
    "tombstone",
    "no_type",
    "too_large",
    "unwritable",
    "crash",
    "waited_too_long",
    "state_invalid",
    "unknown_channel",
    "outcome_unknown",
)
"""Codes that any topic's dead letters may have."""
FAILURES = ("TimeIsUpError", "ModelError")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """What one application handles, as far as labels are concerned. Topics as on the broker."""

    topics: tuple[tuple[str, str], ...] = ()
    """Each with the agent of what cannot be read there."""
    pairs: tuple[tuple[str, str], ...] = ()
    """Agent and topic."""
    actions: str = ""
    """The topic of effects; its agents are the channels."""
    ticks: str = ""
    """The topic of ticks; its agents are schedules and monitors."""

    @property
    def agents(self) -> Sequence[str]:
        """Those that handle events."""
        ours = {self.actions, self.ticks}
        return sorted({agent for agent, topic in self.pairs if topic not in ours})

    @property
    def everybody(self) -> Sequence[str]:
        """Channels, schedules and monitors among them."""
        return sorted({agent for agent, _ in self.pairs})

    @property
    def channels(self) -> Sequence[str]:
        """The channels."""
        return sorted({agent for agent, topic in self.pairs if topic == self.actions})


def of_topics(handled: Handled) -> dict[str, Counts]:
    """By topic."""
    known = [(topic,) for topic, _ in handled.topics]
    return {
        name: Counts(name, about, ("topic",), known)
        for name, about in (
            ("events_received", "Records taken in."),
            ("events_forwarded", "Records written to where they belong."),
            ("events_truncated", "Records deleted before they were read."),
            ("dedupe_hits", "Events that ran before."),
            ("dedupe_conflicts", "Duplicates whose bytes differ from the first's."),
        )
    }


def of_agents(handled: Handled) -> dict[str, Counts]:
    """By agent; what concerns steps, too."""
    everybody, agents = handled.everybody, handled.agents
    return {
        "retries": Counts(
            "retries",
            "Failed attempts that are followed by another.",
            ("agent", "error_type"),
            [(agent, failure) for agent in everybody for failure in FAILURES],
        ),
        "events_parked": Counts(
            "events_parked",
            "Times that an event was put off.",
            ("agent",),
            [(agent,) for agent in everybody],
        ),
        "steps": Counts(
            "steps",
            "Durable steps: run, taken from the state, or failed.",
            ("agent", "outcome"),
            [(agent, outcome) for agent in agents for outcome in _STEPS],
        ),
        "steps_rerun": Counts(
            "steps_rerun",
            "Stored steps that did not count.",
            ("reason",),
            [(reason,) for reason in _RERUNS],
        ),
    }


def of_letters(handled: Handled) -> dict[str, Counts]:
    """Of dead letters."""
    topics = [topic for topic, _ in handled.topics]
    return {
        "dlq_messages": Counts(
            "dlq_messages",
            "Dead letters written.",
            ("topic", "error_type"),
            [(topic, code) for topic in topics for code in LETTER_CODES],
        ),
        "dlq_replayed": Counts(
            "dlq_replayed",
            "What became of dead letters that were replayed.",
            ("topic", "outcome"),
            [(topic, outcome) for topic in topics for outcome in ("ok", "dead_lettered")],
        ),
    }


def of_effects(handled: Handled) -> dict[str, Counts]:
    """Of effects, by channel."""
    outcomes = ("sent", *OUTCOMES[1:-1])
    return {
        "actions": Counts(
            "actions",
            "What became of effects.",
            ("channel", "outcome"),
            [(channel, outcome) for channel in handled.channels for outcome in outcomes],
        ),
        "effects_unknown": Counts(
            "effects_unknown",
            "Effects of which nobody could tell whether they had happened.",
            ("channel",),
            [(channel,) for channel in handled.channels],
        ),
    }
