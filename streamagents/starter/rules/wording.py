"""What a text says and what it denies: negation, in English and German."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.starter.reading import tokens
from streamagents.starter.rules.lexicon import NEGATIONS, TURNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

REACH = 3
"""A negation turns so many words behind it: "not a very good idea"."""


def asserted(phrases: Iterable[str], text: str | None) -> list[str]:
    """The phrases that a text says as whole words and does not deny, in the order given."""
    read = list(with_negation(tokens(text or "")))
    words = [word for word, _ in read]
    return [phrase for phrase in phrases if _stands(phrase.split(), words, read)]


def _stands(phrase: list[str], words: list[str], read: list[tuple[str, bool]]) -> bool:
    # "Not enough" is itself a denial: what stands before it does not turn it once more.
    own = any(negates(word) for word in phrase)
    places = (n for n, word in enumerate(words) if word == phrase[0])
    return any(words[n : n + len(phrase)] == phrase and (own or not read[n][1]) for n in places)


def with_negation(words: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Each word, and whether a negation reaches it: from the left, or German `nicht` behind it."""
    left = 0
    for place, word in enumerate(words):
        following = words[place + 1 : place + 3]
        if negates(word) and following[:1] not in (["only"], ["nur"], ["just"]):
            left = REACH + 1
        elif word in TURNS or not word[0].isalpha():
            left = 0
        behind = "nicht" in _same_clause(following)
        yield word, left > 0 or behind
        left = max(0, left - 1)


def negates(word: str) -> bool:
    """Whether a word denies what follows it."""
    return word in NEGATIONS or word.endswith("n't")


def _same_clause(words: Sequence[str]) -> Sequence[str]:
    ends = (n for n, word in enumerate(words) if word in TURNS or not word[0].isalpha())
    return words[: next(ends, len(words))]
