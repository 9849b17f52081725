"""Which calls of a step are the same one."""

from __future__ import annotations

import enum
import functools
import os
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel

from streamagents.agents.digest import digest_of, digest_of_call
from streamagents.errors import StepError


class Lead(BaseModel):
    email: str
    tags: set[str] = set()
    secret: str = Field("", exclude=True)


class Extra(BaseModel):
    model_config = ConfigDict(extra="allow")


@dataclass
class Point:
    x: float
    marks: frozenset[str] = frozenset()


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Client:
    """Something that has no JSON."""


def one(*_: Any, **__: Any) -> None: ...


def two() -> None: ...


EVERYTHING: list[Any] = [
    None,
    True,
    1,
    1.0,
    2,
    "1",
    "",
    "\ud800",
    b"1",
    b"\xff",
    [],
    [1],
    [1, 2],
    [2, 1],
    [[1], 2],
    {},
    {"a": 1},
    {"a": 2},
    {1: "a"},
    {"1": "a"},
    {(1, 2): "a"},
    {frozenset({1}): "a"},
    {"a", "b"},
    float("nan"),
    float("inf"),
    10**400,
    Decimal("1.10"),
    date(2026, 1, 1),
    datetime(2026, 1, 1, tzinfo=UTC),
    UUID(int=1),
    Path("/tmp/a"),
    Colour.RED,
    Colour.BLUE,
    Lead(email="a"),
    Lead(email="a", secret="s"),
    Lead(email="a", tags={"x"}),
    Extra.model_validate({"more": 1}),
    RootModel[list[int]]([7]),
    Point(1.0),
    Point(1.0, frozenset({"m"})),
    Client(),
    Client,
    one,
    two,
    functools.partial(one, 1),
    functools.partial(one, 2),
    functools.partial(one, a=2),
]


def test_what_differs_has_another_digest() -> None:
    digests = [digest_of((value,)) for value in EVERYTHING]

    assert {len(digest) for digest in digests} == {8}
    clashes = [
        (EVERYTHING[digests.index(digest)], value)
        for value, digest in zip(EVERYTHING, digests, strict=True)
        if EVERYTHING[digests.index(digest)] is not value
    ]
    assert clashes == []


@pytest.mark.parametrize(
    ("this", "that"),
    [
        ((1, 2), [1, 2]),
        (deque([1, 2]), [1, 2]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (Lead(email="a"), Lead(email="a", tags=set())),
        (Client(), Client()),
        (float("nan"), float("nan")),
        (bytearray(b"x"), b"x"),
    ],
)
def test_what_is_equal_or_no_value_at_all_has_the_same_digest(this: Any, that: Any) -> None:
    assert digest_of((this,)) == digest_of((that,))


def test_arguments_are_told_apart_by_their_places() -> None:
    assert digest_of(("a", "b")) != digest_of((["a", "b"],))
    assert digest_of(("a",)) != digest_of(("a", None))


def test_an_iterator_is_not_used_up() -> None:
    numbers = iter([1, 2, 3])
    generated = (number for number in [1, 2, 3])

    digest_of((numbers, generated))

    assert (list(numbers), list(generated)) == ([1, 2, 3], [1, 2, 3])


def test_what_a_partial_holds_is_an_argument() -> None:
    assert digest_of_call(functools.partial(one, 1), (2,)) == digest_of_call(
        functools.partial(one, 1), (2,)
    )
    assert digest_of_call(functools.partial(one, 1), ()) != digest_of_call(
        functools.partial(one, 2), ()
    )
    assert digest_of_call(functools.partial(one, a=1), ()) != digest_of_call(
        functools.partial(one, a=2), ()
    )


def test_an_argument_that_holds_itself_is_refused_in_words() -> None:
    loop: list[Any] = []
    loop.append(loop)

    with pytest.raises(StepError, match="holds itself or is nested too deeply"):
        digest_of((loop,))


SCRIPT = """
from dataclasses import dataclass
from pydantic import BaseModel
from streamagents.agents.digest import digest_of

class Model(BaseModel):
    tags: set[str]
    nested: dict[str, frozenset[str]]

@dataclass
class Data:
    tags: frozenset[str]

words = {f"word-{number}" for number in range(100)}
values = (words, Model(tags=words, nested={"a": frozenset(words)}), Data(frozenset(words)),
          {word: {word, "x"} for word in words}, {frozenset({word}) for word in words},
          {Data, Model, int, str}, object())
print(digest_of(values).hex())
"""


def test_a_digest_is_the_same_in_every_process() -> None:
    def digest(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        return subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout

    assert len({digest(seed) for seed in ("1", "2", "3")}) == 1
