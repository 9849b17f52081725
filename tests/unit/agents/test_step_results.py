"""What steps may return: it is stored as JSON, and read back as the annotation says."""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Awaitable, Iterable, Iterator  # noqa: TC003 - annotations are read here
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, NamedTuple, TypeVar, cast

import pytest
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, computed_field
from pydantic.alias_generators import to_camel

from streamagents.agents.results import MAX_STEP_BYTES
from streamagents.agents.steps import Steps
from streamagents.errors import EventTooLargeError, StepError
from streamagents.testing.run import MemorySteps

if TYPE_CHECKING:
    from decimal import Decimal as OnlyForTypeCheckers

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


class Profile(BaseModel):
    name: str
    employees: int | None = None


class Renamed(BaseModel):
    """Read under one name, written under another."""

    company: str | None = Field(None, validation_alias=AliasChoices("companyName", "org"))
    mail: str = Field("", serialization_alias="e-mail")
    seen: datetime = datetime(2026, 1, 1, tzinfo=UTC)


class Swapped(BaseModel):
    name: str = Field(alias="title")
    title: str = Field(alias="heading")


class Square(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, serialize_by_alias=True)
    side_length: float

    @computed_field
    def area(self) -> float:
        return self.side_length**2


class Cat(BaseModel):
    kind: Literal["cat"] = Field("cat", alias="type")


class Dog(BaseModel):
    kind: Literal["dog"] = Field("dog", alias="type")


class Page(BaseModel, Generic[T]):
    items: list[T]


class Broken(BaseModel):
    what: NotDefined  # type: ignore[name-defined] # noqa: F821 - that is the point


class Pair(NamedTuple):
    left: int
    right: str


@dataclass
class Point:
    x: float
    tags: frozenset[str] = frozenset()


Animal = Annotated[Cat | Dog, Field(discriminator="kind")]


def returns_profile() -> Profile:
    return Profile(name="Nordwind", employees=40)


def returns_list() -> list[Profile]:
    return [Profile(name="a"), Profile(name="b")]


def returns_dict() -> dict[str, Profile]:
    return {"a": Profile(name="a")}


def returns_optional() -> Profile | None:
    return Profile(name="a")


def returns_nothing() -> Profile | None:
    return None


def returns_none() -> None: ...


def returns_point() -> Point:
    return Point(1.5, frozenset({"x"}))


def returns_pair() -> Pair:
    return Pair(1, "x")


def returns_set() -> set[int]:
    return {3, 1, 2}


def returns_datetime() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


def returns_bytes() -> bytes:
    return b"plain"


def returns_nan() -> float:
    return math.nan


def returns_infinities() -> list[float]:
    return [math.inf, -math.inf]


def returns_model_with_infinity() -> Square:
    return Square(sideLength=math.inf)


def returns_square() -> Square:
    return Square(sideLength=3)


def returns_renamed() -> Renamed:
    return Renamed.model_validate({"companyName": "Nordwind", "mail": "a@example.com"})


def returns_swapped() -> Swapped:
    return Swapped(title="name", heading="title")


def returns_animals() -> list[Animal]:
    return [Cat(), Dog()]


def returns_page() -> Page[Profile]:
    return Page[Profile](items=[Profile(name="a")])


def returns_json() -> dict[str, Any]:
    return {"a": [1, 2.5, None, True, "x", {"b": []}]}


async def returns_async() -> Profile:
    return Profile(name="a")


def returns_awaitable() -> Awaitable[Profile]:
    return returns_async()


def takes_what_cannot_be_found(_: OnlyForTypeCheckers | None = None) -> Profile:
    return Profile(name="a")


@functools.lru_cache
def returns_cached() -> Profile:
    return Profile(name="a")


@functools.wraps(returns_profile)
def wrapped(*args: Any) -> Any:
    return returns_profile(*args)


class Finder:
    async def find(self) -> Profile:
        return Profile(name="found")

    @classmethod
    def make(cls) -> Profile:
        return Profile(name="made")

    @staticmethod
    def fix() -> Profile:
        return Profile(name="fixed")

    def __call__(self) -> Profile:
        return Profile(name="called")


async def twice(function: Any, *arguments: Any) -> tuple[Any, Any]:
    """What the first attempt gets, and what the second does, which runs nothing."""
    kept = MemorySteps({})
    first = await Steps(kept, in_thread=asyncio.to_thread).run("s", function, arguments)
    second = await Steps(kept, in_thread=cast("Any", None)).run("s", function, arguments)
    assert kept.rerun_for == {}
    return first, second


@pytest.mark.parametrize(
    "function",
    [
        returns_profile,
        returns_list,
        returns_dict,
        returns_optional,
        returns_nothing,
        returns_none,
        returns_point,
        returns_pair,
        returns_set,
        returns_datetime,
        returns_bytes,
        returns_infinities,
        returns_model_with_infinity,
        returns_square,
        returns_renamed,
        returns_swapped,
        returns_animals,
        returns_page,
        returns_json,
        takes_what_cannot_be_found,
        returns_cached,
        wrapped,
        Finder.make,
        Finder.fix,
        Finder(),
        functools.partial(returns_profile),
        functools.partial(Profile, name="a"),
        functools.partial(Point, 2.5),
    ],
)
async def test_what_is_annotated_comes_back_as_it_was(function: Any) -> None:
    result = function()

    first, second = await twice(function)

    assert first == second == result
    assert type(first) is type(second) is type(result)


@pytest.mark.parametrize("function", [returns_async, returns_awaitable, Finder().find])
async def test_what_is_awaited_comes_back_as_its_annotation_says(function: Any) -> None:
    first, second = await twice(function)

    assert first == second == await function()
    assert type(second) is Profile


async def test_not_a_number_comes_back_as_such() -> None:
    first, second = await twice(returns_nan)

    assert math.isnan(first)
    assert math.isnan(second)


async def test_without_an_annotation_json_is_taken() -> None:
    first, second = await twice(lambda: {"a": (1, 2.5, None), "nan": math.inf})

    assert first == second == {"a": [1, 2.5, None], "nan": math.inf}


async def test_a_result_is_a_copy_of_what_is_stored() -> None:
    shared: dict[str, list[int]] = {"numbers": []}
    kept = MemorySteps({})
    result = await Steps(kept).run("s", lambda: shared, ())

    result["numbers"].append(1)
    shared["numbers"].append(2)

    assert kept.results() == {"s": {"numbers": []}}


def same(value: Any) -> Any:
    return value


def anything(value: Any) -> object:
    return value


def any_model(value: Any) -> BaseModel:
    return cast("BaseModel", value)


def first_of(values: list[M]) -> M:
    return values[0]


def all_of(values: list[T]) -> list[T]:
    return values


def not_found(_: Any = None) -> OnlyForTypeCheckers:
    return cast("OnlyForTypeCheckers", Profile(name="a"))


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        (same, Profile(name="a")),
        (same, [{"deep": (Profile(name="a"),)}]),
        (same, Point(1.0)),
        (lambda: Profile(name="a"), None),
        (anything, Profile(name="a")),
        (any_model, Profile(name="a")),
        (first_of, [Profile(name="a")]),
        (all_of, [Profile(name="a")]),
        (not_found, None),
    ],
)
async def test_a_model_that_is_not_annotated_as_one_is_refused(
    function: Any, argument: Any
) -> None:
    arguments = () if argument is None else (argument,)

    with pytest.raises(StepError, match=r"returned (Profile|Point): annotate what its function"):
        await twice(function, *arguments)


def says_int() -> int:
    return cast("int", "seven")


def says_profile() -> Profile:
    return cast("Profile", {"employees": "many"})


def says_none() -> None:
    return cast("None", 7)


def says_positive() -> Annotated[int, Field(gt=0)]:
    return -1


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        (says_positive, "1 faults, the first 'Input should be greater than 0'"),
        (says_int, r"1 faults, the first 'Input should be a valid integer, unable to parse.*'"),
        (says_profile, r"2 faults, the first 'Field required' at name"),
        (says_none, "1 faults, the first 'Input should be null'"),
    ],
)
async def test_a_result_that_does_not_match_its_annotation_is_refused(
    function: Any, fault: str
) -> None:
    kept = MemorySteps({})

    with pytest.raises(StepError, match=f"than its function's annotation says: {fault}"):
        await Steps(kept).run("s", function, ())

    assert kept.results() == {}


def says_iterator() -> Iterator[int]:
    yield 1


def says_client() -> Steps:
    raise AssertionError


def says_broken() -> Broken:
    raise AssertionError


@pytest.mark.parametrize("function", [says_iterator, says_client, says_broken, Steps])
async def test_an_annotation_that_nothing_can_be_read_by_is_refused_before_the_step_runs(
    function: Any,
) -> None:
    with pytest.raises(StepError, match=r"returns .*, which cannot be stored: a step returns JSON"):
        await Steps(MemorySteps({})).run("s", function, ())


def loop() -> list[Any]:
    inner: list[Any] = []
    inner.append(inner)
    return inner


@pytest.mark.parametrize(
    "result", [object(), {"a": object()}, loop(), "\ud800", b"\xff", {frozenset({1}): 2}, Steps]
)
async def test_what_has_no_json_is_refused_in_words(result: Any) -> None:
    with pytest.raises(StepError, match="which cannot be stored as JSON"):
        await twice(lambda: result)


def test_a_step_error_is_a_type_error() -> None:
    assert issubclass(StepError, TypeError)


def says_iterable() -> Iterable[int]:
    yield 1
    yield 2


async def test_what_can_be_iterated_once_comes_back_as_a_list() -> None:
    assert await twice(says_iterable) == ([1, 2], [1, 2])


async def test_a_result_may_be_as_large_as_a_record_and_no_larger() -> None:
    largest = "x" * (MAX_STEP_BYTES - 2)
    first, second = await twice(lambda: largest)
    assert first == second == largest

    with pytest.raises(EventTooLargeError, match="'s' takes 5,242,881 bytes, a step keeps at most"):
        await twice(lambda: largest + "x")
