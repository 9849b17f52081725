"""The texts of the drafts: plain text, filled in with what the event says, sent by nobody yet."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Letter = Literal[
    "lead_hot", "lead_hot_agenda", "lead_warm", "lead_warm_case", "lead_cold", "lead_last",
    "payment_retry", "payment_card", "payment_stop", "payment_last", "payment_again",
    "welcome", "welcome_stuck", "welcome_more", "consent",
]  # fmt: skip

LETTERS: Mapping[Letter, Template] = {
    "lead_hot": Template(
        "$hello\n\n"
        "thank you for writing to us$behalf. What you ask for is best talked through: "
        "may we call you today? Tell us a time that suits you.\n\n"
        "Kind regards"
    ),
    "lead_hot_agenda": Template(
        "$hello\n\n"
        "so that our call is worth your time$behalf: which step takes you longest today, who else "
        "decides, and by when should it run? Three lines are enough.\n\n"
        "Kind regards"
    ),
    "lead_warm": Template(
        "$hello\n\n"
        "thank you for your interest$behalf. We are putting together what fits your case. "
        "What would you like to solve first?\n\n"
        "Kind regards"
    ),
    "lead_warm_case": Template(
        "$hello\n\n"
        "how others begin: with one task that comes back every day, on a trial of two weeks. "
        "Shall we set one up for you?\n\n"
        "Kind regards"
    ),
    "lead_cold": Template(
        "$hello\n\n"
        "thank you for your message$behalf. You find our overview on the website; "
        "a reply to this mail reaches a person.\n\n"
        "Kind regards"
    ),
    "lead_last": Template(
        "$hello\n\n"
        "we do not want to press you$behalf, so this is our last mail for now. A reply at any "
        "time reaches a person.\n\n"
        "Kind regards"
    ),
    "payment_retry": Template(
        "$hello\n\n"
        "your payment$what did not go through. You need to do nothing now: we try again on "
        "$dates. If you would rather pay another way, reply to this mail.\n\n"
        "Kind regards"
    ),
    "payment_card": Template(
        "$hello\n\n"
        "your payment$what was declined, and trying the same payment method again will not help. "
        "Please enter a new one in your account; your access stays open meanwhile.\n\n"
        "Kind regards"
    ),
    "payment_stop": Template(
        "$hello\n\n"
        "your payment$what could not be completed. We make no further attempt and will be in touch "
        "with you in person.\n\n"
        "Kind regards"
    ),
    "payment_last": Template(
        "$hello\n\n"
        "we have tried your payment$what several times without success. Please pay another way, "
        "or reply to this mail so that we find a solution.\n\n"
        "Kind regards"
    ),
    "payment_again": Template(
        "$hello\n\n"
        "your payment$what is still open. $next If you have paid meanwhile, please take this mail "
        "as sent too early.\n\n"
        "Kind regards"
    ),
    "welcome": Template(
        "$hello\n\nwelcome! Your plan is $plan. These are your next steps:\n$steps\n\nKind regards"
    ),
    "welcome_stuck": Template(
        "$hello\n\n"
        "how far have you come? Most people get stuck at the first step: $first A reply to this "
        "mail reaches a person who helps.\n\n"
        "Kind regards"
    ),
    "welcome_more": Template(
        "$hello\n\n"
        "two weeks in: tell us the one thing that still takes you too long, and we look at it "
        "together.\n\n"
        "Kind regards"
    ),
    "consent": Template(
        "$hello\n\n"
        "thank you for filling in our form. Before we may write to you about getting started we "
        "need your consent: please reply with yes if that is fine with you.\n\n"
        "Kind regards"
    ),
}

LEAD_MAILS: Mapping[Literal["hot", "warm", "cold"], tuple[tuple[int, str, Letter], ...]] = {
    "hot": (
        (0, "May we call you today?", "lead_hot"),
        (1, "Three questions before our call", "lead_hot_agenda"),
        (7, "Our last mail for now", "lead_last"),
    ),
    "warm": (
        (0, "Thank you for your interest", "lead_warm"),
        (4, "How others begin", "lead_warm_case"),
        (14, "Our last mail for now", "lead_last"),
    ),
    "cold": ((0, "Thank you for your message", "lead_cold"),),
}
"""Day, subject and text of each mail to a lead."""

WELCOME_MAILS: tuple[tuple[int, str, Letter], ...] = (
    (0, "Welcome", "welcome"),
    (3, "How far have you come?", "welcome_stuck"),
    (14, "What takes too long?", "welcome_more"),
)

Reply = Literal["angry", "negative", "mixed", "positive"]
"""What a reply in public answers to; a neutral mention gets none."""

REPLIES: Mapping[tuple[Reply, str], str] = {
    ("angry", "en"): "We are sorry, this should not have happened. Please send us a direct message "
    "with your account, and a person will look into it today.",
    ("angry", "de"): "Das tut uns leid, das hätte nicht passieren dürfen. Bitte schreibt uns per "
    "Direktnachricht, um welches Konto es geht: Heute noch kümmert sich ein Mensch darum.",
    ("negative", "en"): "Thank you for telling us, and sorry for the trouble. What exactly went "
    "wrong? We would like to fix it.",
    ("negative", "de"): "Danke für den Hinweis, und entschuldigt den Ärger. Was genau ist "
    "schiefgegangen? Wir möchten es beheben.",
    ("mixed", "en"): "Thank you for the frank words, both the good and the bad. What would help "
    "you most if we changed it?",
    ("mixed", "de"): "Danke für die offenen Worte, die guten wie die schlechten. Welche Änderung "
    "würde euch am meisten helfen?",
    ("positive", "en"): "Thank you, that makes our day! What do you use it for?",
    ("positive", "de"): "Danke, das freut uns sehr! Wofür setzt ihr es ein?",
}


def letter(kind: Letter, **values: str) -> str:
    """A letter with its blanks filled in; a value is taken as it is, never as a template."""
    return LETTERS[kind].substitute(values)


def hello(name: str | None) -> str:
    """The first line of a letter."""
    return f"Hello {name}," if name else "Hello,"


def bullets(lines: Iterable[str]) -> str:
    """A numbered list, one line each."""
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))
