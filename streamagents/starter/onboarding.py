"""The onboarding agent: reads the answers of a form, picks plan and track, drafts a welcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from streamagents import Context, Reject
from streamagents.starter.events import FormSubmit, OnboardingStarted
from streamagents.starter.reading import count, found, one_line
from streamagents.starter.review import ask_a_person
from streamagents.starter.templates import bullets, hello, letter

PlanName = Literal["solo", "team", "business"]
Track = Literal["developer", "sales", "support", "guided"]

SEATS: tuple[tuple[PlanName, int], ...] = (("solo", 3), ("team", 20), ("business", 10_000))
"""The plans, and for how many people each of them is."""
TRACKS: dict[Track, tuple[str, ...]] = {
    "developer": ("api", "integrate", "integration", "kafka", "python", "sdk", "webhook", "code"),
    "sales": ("sales", "lead", "leads", "crm", "pipeline", "vertrieb"),
    "support": ("support", "ticket", "tickets", "helpdesk", "inbox", "kundendienst"),
}
FIRST_STEPS: dict[Track, tuple[str, ...]] = {
    "developer": ("Create an API key.", "Send your first event."),
    "sales": ("Connect your CRM.", "Import ten leads and look at their scores."),
    "support": ("Connect your support inbox.", "Try the drafts on five closed tickets."),
    "guided": ("Book the half-hour tour.", "Tell us the one task you want to hand over."),
}
PLAN_STEPS: dict[PlanName, str] = {
    "solo": "Turn on the notifications you want.",
    "team": "Invite your colleagues.",
    "business": "Agree with us on single sign-on and a data processing contract.",
}
YES = frozenset({"yes", "y", "ja", "true", "1", "on", "ok", "agreed", "accepted"})
NO = frozenset({"no", "n", "nein", "false", "0", "off", "declined", "refused"})
BEGINNER = ("beginner", "new", "none", "anfänger", "anfängerin", "neu")
_SEATS = ("seats", "team_size", "people", "users", "employees")
_GOALS = ("goal", "use_case", "why", "message", "ziel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How somebody begins; with `odd`, nothing begins before a person has looked."""

    plan: PlanName
    track: Track
    steps: tuple[str, ...]
    reasons: tuple[str, ...]
    odd: tuple[str, ...]


def consent(form: FormSubmit) -> bool | None:
    """Whether the person agreed to hear from us; None where that cannot be told."""
    given = form.consent
    if given is None:
        given = _answer(_normal(form.answers), ("consent", "gdpr", "privacy", "einwilligung"))
    word = one_line(given).casefold()
    return True if word in YES else False if word in NO else None


def begin(form: FormSubmit) -> Start:
    """Pick plan, track and first steps from the answers."""
    answers = _normal(form.answers)
    seats = count(_quantity(_answer(answers, _SEATS)))
    plan, why_plan = _plan(answers, seats)
    track, why_track = _track(answers)
    steps = (*FIRST_STEPS[track], PLAN_STEPS[plan])
    if found(BEGINNER, one_line(_answer(answers, ("experience", "erfahrung")) or "")):
        steps = ("Watch the five-minute introduction.", *steps)
    return Start(
        plan=plan,
        track=track,
        steps=steps,
        reasons=(why_plan, why_track),
        odd=tuple(_odd(form, answers, seats)),
    )


def welcome(form: FormSubmit, start: Start) -> str:
    """The draft of the first mail; without consent it only asks for it, and a no gets no mail."""
    agreed = consent(form)
    greeting = hello(one_line(form.name) if form.name else None)
    if agreed is None:
        return letter("consent", hello=greeting)
    if not agreed:
        return ""
    return letter("welcome", hello=greeting, plan=start.plan, steps=bullets(start.steps))


class OnboardingAgent:
    """Starts the onboarding of whoever filled in the form."""

    async def run(self, form: FormSubmit, ctx: Context) -> None:
        """Emit `onboarding_started`, or `review_needed` where consent or answers do not hold.

        Raises:
            Reject: there is no address to write to, and no attempt will find one.
        """
        if form.email is None:
            raise Reject("The form has no email address: nobody can be welcomed.")
        start = begin(form)
        draft = welcome(form, start)
        if start.odd:
            ask_a_person(ctx, subject=form.email, reasons=start.odd, draft=draft)
            return
        ctx.log.info("onboarding started", action="onboarding_started", plan=start.plan)
        ctx.emit(
            OnboardingStarted(
                subject=form.email,
                plan=start.plan,
                track=start.track,
                steps=list(start.steps),
                reasons=list(start.reasons),
                draft=draft,
            )
        )


def _normal(answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers given, by question, however it is written: `Team size`, `team-size`."""
    return {
        one_line(question).casefold().replace(" ", "_").replace("-", "_"): answer
        for question, answer in answers.items()
        if answer is not None and str(answer)[:1]
    }


def _answer(answers: Mapping[str, Any], questions: tuple[str, ...]) -> Any:
    return next((answers[q] for q in questions if q in answers), None)


def _quantity(answer: Any) -> int | float | str | None:
    readable = isinstance(answer, int | float | str) and not isinstance(answer, bool)
    return answer if readable else None


def _plan(answers: Mapping[str, Any], seats: int | None) -> tuple[PlanName, str]:
    asked = one_line(_answer(answers, ("plan", "tarif")) or "").casefold()
    for name, _ in SEATS:
        if name == asked:
            return name, f"The form asks for the plan {name}."
    if seats is None:
        return "solo", "The form names no number of people: the smallest plan."
    name = next((name for name, most in SEATS if seats <= most), "business")
    return name, f"The number of people is {seats:,}: the plan {name}."


def _track(answers: Mapping[str, Any]) -> tuple[Track, str]:
    goal = _answer(answers, _GOALS)
    text = " ".join(map(str, goal)) if isinstance(goal, list) else str(goal or "")
    for track, words in TRACKS.items():
        if hits := found(words, text):
            return track, f"The goal speaks of {', '.join(hits)}: the track {track}."
    return "guided", "The goal names nothing that the rules know: the guided track."


def _odd(form: FormSubmit, answers: Mapping[str, Any], seats: int | None) -> list[str]:
    """Why nothing may begin, in words for the person who is asked."""
    agreed = consent(form)
    asked = one_line(_answer(answers, ("plan", "tarif")) or "").casefold()
    given = _answer(answers, _SEATS)
    largest = SEATS[-1][1]
    room = {str(name): most for name, most in SEATS}
    checks = (
        (agreed is None, "There is no consent to be written to."),
        (agreed is False, "Consent was refused: nothing may be sent."),
        (not answers, "The form has no answers."),
        (bool(asked) and asked not in room, f"There is no plan {asked!r}."),
        (
            (seats or 0) > room.get(asked, largest),
            f"{seats or 0:,} people do not fit into the plan {asked or 'business'}.",
        ),
        (
            given is not None and (seats is None or not 0 < seats <= largest),
            f"{one_line(given)!r} is no number of people from 1 to {largest:,}.",
        ),
    )
    return [reason for holds, reason in checks if holds]
