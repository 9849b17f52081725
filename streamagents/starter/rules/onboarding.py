"""The rules for forms: consent, plan, track, first steps, and what is mere advertising."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from streamagents.starter.events import Mail
from streamagents.starter.kinds import FormView, PlanName, Track
from streamagents.starter.reading import count, found, one_line
from streamagents.starter.rules.orders import GIVES_ORDERS, gives_orders
from streamagents.starter.rules.wording import asserted
from streamagents.starter.templates import WELCOME_MAILS, bullets, hello, letter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.starter.events import FormSubmit

SEATS: tuple[tuple[PlanName, int], ...] = (("solo", 3), ("team", 20), ("business", 10_000))
"""The plans, and for how many people each of them is."""
TRACKS: dict[Track, tuple[str, ...]] = {
    "developer": (
        "api", "integrate", "integration", "kafka", "python", "sdk", "webhook", "webhooks", "code",
        "rest", "endpoint", "endpoints", "backend",
    ),
    "sales": (
        "sales", "lead", "leads", "crm", "pipeline", "quotes", "deals", "vertrieb", "ventes",
    ),
    "support": (
        "support", "ticket", "tickets", "helpdesk", "inbox", "customer questions", "complaints",
        "kundendienst", "reklamationen",
    ),
}  # fmt: skip
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


SPAM = (
    "viagra", "casino", "crypto", "bitcoin", "forex", "backlinks", "guest post", "guest posts",
    "seo", "google page", "guaranteed", "you won", "prize", "lottery", "loan", "followers",
    "click here", "make money", "gewinnspiel", "kredit", "gewonnen",
)  # fmt: skip
_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)
LONG_CHARS = 2_000
SPAM_POINTS = 2
"""A word of SPAM is worth one point, a web address two: forms ask for no addresses."""


def consent(form: FormSubmit) -> bool | None:
    """Whether the person agreed to hear from us; None where that cannot be told."""
    given = form.consent
    if given is None:
        given = _answer(_normal(form.answers), ("consent", "gdpr", "privacy", "einwilligung"))
    word = one_line(given).casefold()
    return True if word in YES else False if word in NO else None


def view(form: FormSubmit) -> FormView:
    """The whole answer."""
    answers = _normal(form.answers)
    seats = count(_quantity(_answer(answers, _SEATS)))
    plan, why_plan = _plan(answers, seats)
    track, why_track = _track(answers)
    steps = [*FIRST_STEPS[track], PLAN_STEPS[plan]]
    if found(BEGINNER, one_line(_answer(answers, ("experience", "erfahrung")) or "")):
        steps = ["Watch the five-minute introduction.", *steps]
    spam = signs_of_spam(form)
    return FormView(
        spam=bool(spam),
        plan=plan,
        track=track,
        reasons=[*spam, why_plan, why_track],
        odd=odd(form),
        steps=steps,
        sequence=sequence(form, plan, steps),
    )


def objections(form: FormSubmit, seen: FormView) -> list[str]:
    """Why a person has to look first; with none of them it begins.

    Consent is a fact and no impression: a model is not asked whether it was given.
    """
    facts = [*odd(form), *seen.odd]
    if seen.spam:
        facts = ["It looks like spam.", *seen.reasons, *facts]
    elif not facts and not seen.sequence:
        facts = ["There is no draft to begin with."]
    return list(dict.fromkeys(facts))


def sequence(form: FormSubmit, plan: PlanName, steps: list[str]) -> list[Mail]:
    """The mails; without consent there is one that asks for it, and after a no there is none."""
    agreed = consent(form)
    greeting = hello(one_line(form.name) if form.name else None)
    if agreed is None:
        text = letter("consent", hello=greeting)
        return [Mail(day=0, subject="May we write to you?", text=text)]
    values = {"hello": greeting, "plan": plan, "steps": bullets(steps), "first": "".join(steps[:1])}
    return [
        Mail(day=day, subject=subject, text=letter(kind, **values))
        for day, subject, kind in (WELCOME_MAILS if agreed else ())
    ]


def permitted(form: FormSubmit, mails: list[Mail]) -> list[Mail]:
    """Of somebody's drafts those that may be sent: without a yes there is only the question."""
    return mails if consent(form) else sequence(form, "solo", [])


def signs_of_spam(form: FormSubmit) -> list[str]:
    """What in a form is advertising, in words; nothing where it does not come to enough."""
    texts = [form.name or "", *(str(answer) for answer in form.answers.values())]
    words = [word for text in texts for word in asserted(SPAM, text)]
    links = sum(len(_LINK.findall(text)) for text in texts)
    if len(words) + SPAM_POINTS * links < SPAM_POINTS:
        return []
    named = ", ".join(dict.fromkeys(words)) or "no word of the list"
    return [f"It has {links} web addresses, and speaks of {named}."]


def odd(form: FormSubmit) -> list[str]:
    """Why nothing may begin, in words for the person who is asked."""
    answers = _normal(form.answers)
    seats = count(_quantity(_answer(answers, _SEATS)))
    return _odd(form, answers, seats)


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
    hits = {track: asserted(words, text) for track, words in TRACKS.items()}
    most = max(map(len, hits.values()))
    best = [track for track, words in hits.items() if most and len(words) == most]
    if len(best) == 1:
        return best[0], f"The goal speaks of {', '.join(hits[best[0]])}: the track {best[0]}."
    if best:
        return "guided", f"The goal speaks of {' and '.join(best)} alike: the guided track."
    return "guided", "The goal names nothing that the rules know: the guided track."


def _odd(form: FormSubmit, answers: Mapping[str, Any], seats: int | None) -> list[str]:
    """Why nothing may begin, in words for the person who is asked."""
    agreed = consent(form)
    texts = [str(answer) for answer in answers.values()]
    asked = one_line(_answer(answers, ("plan", "tarif")) or "").casefold()
    given = _answer(answers, _SEATS)
    largest = SEATS[-1][1]
    room = {str(name): most for name, most in SEATS}
    checks = (
        (agreed is None, "There is no consent to be written to."),
        (agreed is False, "Consent was refused: nothing may be sent."),
        (not answers, "The form has no answers."),
        (gives_orders((form.name, *texts)), GIVES_ORDERS),
        (any(len(text) > LONG_CHARS for text in texts), "An answer is as long as a letter."),
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
