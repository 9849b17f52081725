"""The monitoring agent: how a mention sounds, how urgent it is, and what to answer.

The reading is a word list with negation, in English and a little German. It knows no irony, and
says in its reasons which words it went by.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from streamagents import Context
from streamagents.starter.events import Mention, MentionClassified
from streamagents.starter.fields import Number
from streamagents.starter.lexicon import (
    EMOJI,
    ENGLISH,
    GERMAN,
    NEGATIONS,
    STRONGER,
    TURNS,
    URGENT,
)
from streamagents.starter.reading import READ_CHARS, count, language, tokens
from streamagents.starter.review import ask_a_person
from streamagents.starter.templates import REPLIES

Label = Literal["positive", "negative", "mixed", "neutral"]
Level = Literal["low", "normal", "high"]

REACH = 3
"""A negation turns so many words behind it: "not a very good idea"."""
ANGRY_WORD = -3
"""A single word of so much blame is anger, if the whole text blames."""
ANGRY_TEXT = -6
"""So much blame altogether is anger, also without such a word."""
FOLLOWERS = ((100_000, 3), (10_000, 2), (1_000, 1))
"""From so many followers on, so many points of urgency."""
HIGH, NORMAL = 3, 1
_ENDINGS = ("en", "em", "er", "es", "e")
_SHORTEST_STEM = 3


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
    words = {word for word, negated in _with_negation(tokens(text)) if not negated}
    urgent = sorted(words & URGENT.keys())
    reach = count(followers) or 0
    points = sum(URGENT[word] for word in urgent)
    points += next((given for least, given in FOLLOWERS if reach >= least), 0)
    reasons = [f"The text speaks of {', '.join(urgent)}."] if urgent else []
    if reach >= FOLLOWERS[-1][0]:
        reasons.append(f"The author has {reach:,} followers.")
    level: Level = "high" if points >= HIGH else "normal" if points >= NORMAL else "low"
    return Urgency(level=level, reasons=tuple(reasons))


def judge(mention: Mention) -> MentionClassified:
    """The whole answer to a mention."""
    sentiment = classify(mention.text)
    pressing = urgency(mention.text, mention.followers)
    tongue = language(mention.text)
    decision: Literal["reply", "no_reply", "ask_a_person"] = "reply"
    if _person_needed(sentiment, pressing):
        decision = "ask_a_person"
    elif sentiment.label == "neutral":
        decision = "no_reply"
    return MentionClassified(
        subject=mention.author,
        decision=decision,
        sentiment=sentiment.label,
        angry=sentiment.angry,
        urgency=pressing.level,
        language=tongue,
        reasons=[*_reasons(mention.text, sentiment), *pressing.reasons],
        draft=_draft(sentiment, tongue),
    )


class MonitoringAgent:
    """Classifies public mentions."""

    async def run(self, mention: Mention, ctx: Context) -> None:
        """Emit `mention_classified`, and `review_needed` for anger and for what is urgent."""
        judged = judge(mention)
        ctx.log.info(
            "mention classified",
            action="mention_classified",
            sentiment=judged.sentiment,
            urgency=judged.urgency,
        )
        ctx.emit(judged)
        if judged.decision == "ask_a_person":
            ask_a_person(ctx, subject=judged.subject, reasons=judged.reasons, draft=judged.draft)


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
    for word, negated in _with_negation(words):
        weight = _weight(word)
        if weight and before in STRONGER:
            weight += 1 if weight > 0 else -1
        if weight and negated:
            # "Not bad" praises less than "good", "not good" blames less than "bad".
            weight = min(-1, 1 - weight) if weight > 0 else max(1, -1 - weight)
        if weight:
            yield word, weight
        before = word


def _with_negation(words: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Each word, and whether a negation reaches it: from the left, or German `nicht` behind it."""
    left = 0
    for place, word in enumerate(words):
        following = words[place + 1 : place + 3]
        if _negates(word) and following[:1] not in (["only"], ["nur"], ["just"]):
            left = REACH + 1
        elif word in TURNS or not word[0].isalpha():
            left = 0
        behind = "nicht" in _same_clause(following)
        yield word, left > 0 or behind
        left = max(0, left - 1)


def _same_clause(words: Sequence[str]) -> Sequence[str]:
    ends = (n for n, word in enumerate(words) if word in TURNS or not word[0].isalpha())
    return words[: next(ends, len(words))]


def _negates(word: str) -> bool:
    return word in NEGATIONS or word.endswith("n't")


def _weight(word: str) -> int:
    weight = ENGLISH.get(word) or EMOJI.get(word) or GERMAN.get(word)
    if weight is None:
        stems = (word.removesuffix(ending) for ending in _ENDINGS if word.endswith(ending))
        weight = next((GERMAN[s] for s in stems if len(s) >= _SHORTEST_STEM and s in GERMAN), 0)
    return weight


def _person_needed(sentiment: Sentiment, pressing: Urgency) -> bool:
    return sentiment.angry or (pressing.level == "high" and sentiment.label != "positive")


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


def _draft(sentiment: Sentiment, tongue: Literal["en", "de"]) -> str:
    if sentiment.angry:
        return REPLIES["angry", tongue]
    return "" if sentiment.label == "neutral" else REPLIES[sentiment.label, tongue]
