"""Words: what the demo says at its end, in sentences."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from streamagents.devkit.demo.story import one_line
from streamagents.devkit.demo.summary import lost_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from streamagents.devkit.demo.summary import Evidence, Sent, Summary

_REASON = 90


def who_answers(provider: str, model: str) -> str:
    """Who stands behind `ctx.llm`, in a few words for a title."""
    if provider == "rules":
        return "answers by rules, no model"
    return "recorded answers" if provider == "replay" else f"asks {model}"


def conclusion(
    summary: Summary,
    sent: Sequence[Sent],
    evidence: Evidence,
    *,
    missing: Sequence[str] = (),
    refused: Sequence[int] = (),
) -> list[str]:
    """What came out of it.

    Args:
        summary: the result.
        sent: what was sent.
        evidence: what Kafka says.
        missing: the ears by which not all came in.
        refused: how the gateway answered what it did not take.
    """
    return [
        *_letters(sent, evidence),
        "",
        *_verdict(summary, [*lost_of(sent, evidence), *missing]),
        *_heard(summary, refused),
        *_rules(summary),
        _effort(summary),
    ]


def stopped_early(log: Path) -> str:
    """For a run that was stopped before its end."""
    return (
        "Stopped before every event had its outcome. What was sent is kept in Kafka: the next "
        f"worker handles it. The log is {log}."
    )


def _heard(summary: Summary, refused: Sequence[int]) -> list[str]:
    if not summary.heard:
        return []
    ears = ", ".join(f"{name} {count}" for name, count in summary.heard.items())
    forged = " A forged webhook was refused." if HTTPStatus.UNAUTHORIZED in refused else ""
    return [f"Of them, these were heard in the world: {ears}.{forged}"]


def _rules(summary: Summary) -> list[str]:
    said = "The agents answered by rules, without a model; with ANTHROPIC_API_KEY they ask Claude."
    return [said] if summary.provider == "rules" else []


def _effort(summary: Summary) -> str:
    return (
        f"It took {summary.seconds:.1f} s, and {summary.rss_mib} MiB of memory, that of the "
        "embedded broker included."
    )


def _letters(sent: Sequence[Sent], evidence: Evidence) -> list[str]:
    lines = [
        f"  {one.name:<16} {letter.code:<12} {one_line(letter.reason, _REASON)}"
        for one in sent
        if (letter := evidence.letter_of(one)) is not None
    ]
    return (
        ["Dead letters, each with its original bytes, wait for a person:", *lines] if lines else []
    )


def _verdict(summary: Summary, lost: Sequence[str]) -> list[str]:
    total = summary.total
    sums = (
        f"{total.produced} sent = {total.processed} processed ({total.fallback} of them by the "
        f"fallback agent) + {total.duplicates} duplicates + {total.dead_lettered} dead letters"
    )
    if summary.good:
        return [f"Nothing was lost and nothing ran twice: {sums}."]
    faults = [f"{sums} + {total.lost} lost."]
    if total.lost:
        faults.append(f"Without an outcome: {', '.join(lost)}.")
    if summary.ran_twice:
        faults.append(f"Agents finished an event again {summary.ran_twice} times.")
    return faults
