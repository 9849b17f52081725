"""The rules for mentions: how a text sounds, how urgent it is, and what to answer.

The reading is a word list with negation, in English and a little German. It knows no irony, and
says in its reasons which words it went by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from streamagents.starter.kinds import Language, MentionView
from streamagents.starter.kinds import Sentiment as Label
from streamagents.starter.kinds import Urgency as Level
from streamagents.starter.reading import READ_CHARS, count, language, tokens
from streamagents.starter.rules.lexicon import EMOJI, ENGLISH, GERMAN, IDIOMS, STRONGER, URGENT
from streamagents.starter.rules.wording import with_negation
from streamagents.starter.templates import REPLIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamagents.starter.events import Mention
    from streamagents.starter.fields import Number

ANGRY_WORD = -3
"""A single word of so much blame is anger, if the whole text blames."""
ANGRY_TEXT = -6
"""So much blame altogether is anger, also without such a word."""
FOLLOWERS = ((100_000, 3), (10_000, 2), (1_000, 1))
"""From so many followers on, so many points of urgency."""
HIGH, NORMAL = 3, 1
_ENDINGS = ("en", "em", "er", "es", "e")
_SHORTEST_STEM = 3
_LONGEST_IDIOM = max(len(idiom.split()) for idiom in IDIOMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentiment:
    """How a text sounds; `words` are what it was judged by."""

    label: Label
    score: int
    angry: bool
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgency:
    """How soon somebody has to look, and why."""

    level: Level
    reasons: tuple[str, ...]


def classify(text: str) -> Sentiment:
    """Weigh the words of a text."""
    weighed = list(_weigh(tokens(text)))
    praise = sum(weight for _, weight in weighed if weight > 0)
    blame = sum(weight for _, weight in weighed if weight < 0)
    score = praise + blame
    words = dict.fromkeys(_evidence(word, weight) for word, weight in weighed)
    label = _label(praise, blame)
    furious = any(_weight(word) <= ANGRY_WORD and weight < 0 for word, weight in weighed)
    return Sentiment(
        label=label,
        score=score,
        angry=(furious and label == "negative") or score <= ANGRY_TEXT,
        words=tuple(words)[:12],
    )


def urgency(text: str, followers: Number) -> Urgency:
    """Weigh the words that cannot wait, and how many people read them."""
    words = {word for word, negated in with_negation(tokens(text)) if not negated}
    urgent = sorted(words & URGENT.keys())
    reach = count(followers) or 0
    points = sum(URGENT[word] for word in urgent)
    points += next((given for least, given in FOLLOWERS if reach >= least), 0)
    reasons = [f"The text speaks of {', '.join(urgent)}."] if urgent else []
    if reach >= FOLLOWERS[-1][0]:
        reasons.append(f"The author has {reach:,} followers.")
    level: Level = "high" if points >= HIGH else "normal" if points >= NORMAL else "low"
    return Urgency(level=level, reasons=tuple(reasons))


def view(mention: Mention) -> MentionView:
    """The whole answer to a mention."""
    sentiment = classify(mention.text)
    pressing = urgency(mention.text, mention.followers)
    tongue = language(mention.text)
    return MentionView(
        sentiment=sentiment.label,
        angry=sentiment.angry,
        urgency=pressing.level,
        language=tongue,
        reasons=[*_reasons(mention.text, sentiment), *pressing.reasons],
        draft=_draft(sentiment, tongue),
    )


def decide(seen: MentionView) -> Literal["reply", "no_reply", "ask_a_person"]:
    """A person answers anger and what is urgent; a neutral mention gets no answer."""
    if seen.angry or (seen.urgency == "high" and seen.sentiment != "positive"):
        return "ask_a_person"
    return "no_reply" if seen.sentiment == "neutral" else "reply"


def _label(praise: int, blame: int) -> Label:
    if praise and blame and abs(praise + blame) <= 1:
        return "mixed"
    if praise + blame:
        return "positive" if praise + blame > 0 else "negative"
    return "neutral"


def _evidence(word: str, weight: int) -> str:
    turned = " (negated)" if weight * _weight(word) < 0 else ""
    return f"{word}{turned} {weight:+d}"


def _weigh(words: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Each word that the lists know, with its weight in this place."""
    before = ""
    for word, negated in with_negation(_joined(words)):
        weight = _weight(word)
        if weight and before in STRONGER:
            weight += 1 if weight > 0 else -1
        if weight and negated:
            # "Not bad" praises less than "good", "not good" blames less than "bad".
            weight = min(-1, 1 - weight) if weight > 0 else max(1, -1 - weight)
        if weight:
            yield word, weight
        before = word


def _joined(words: Sequence[str]) -> list[str]:
    """The words, those of an idiom as one."""
    joined, place = [], 0
    while place < len(words):
        ahead = words[place : place + _LONGEST_IDIOM]
        sizes = range(len(ahead), 1, -1)
        size = next((n for n in sizes if " ".join(ahead[:n]) in IDIOMS), 1)
        joined.append(" ".join(ahead[:size]))
        place += size
    return joined


def _weight(word: str) -> int:
    weight = IDIOMS.get(word) or ENGLISH.get(word) or EMOJI.get(word) or GERMAN.get(word)
    if weight is None:
        stems = (word.removesuffix(ending) for ending in _ENDINGS if word.endswith(ending))
        weight = next((GERMAN[s] for s in stems if len(s) >= _SHORTEST_STEM and s in GERMAN), 0)
    return weight


def _reasons(text: str, sentiment: Sentiment) -> list[str]:
    reasons = [
        f"The words that count: {', '.join(sentiment.words)}."
        if sentiment.words
        else "No word of the lists, English and a little German, occurs in the text."
    ]
    if sentiment.angry:
        reasons.append("It sounds angry.")
    if len(text) > READ_CHARS:
        reasons.append(f"Only the first {READ_CHARS:,} characters were read.")
    return reasons


def _draft(sentiment: Sentiment, tongue: Language) -> str:
    if sentiment.angry:
        return REPLIES["angry", tongue]
    return "" if sentiment.label == "neutral" else REPLIES[sentiment.label, tongue]
