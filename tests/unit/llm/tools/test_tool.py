"""Tools are made of typed functions; what a model hands over is checked by the annotations."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import pytest
from pydantic import BaseModel, Field, ValidationError

from streamagents.errors import ConfigurationError
from streamagents.llm import tool
from streamagents.llm.tools.tool import as_tools

if TYPE_CHECKING:
    from streamagents.agents import Context


class Place(BaseModel):
    city: str


async def search(
    query: str,
    limit: Annotated[int, Field(ge=1, le=5, description="How many")] = 3,
    *,
    kind: Literal["page", "image"] = "page",
    near: Place | None = None,
    ctx: Context | None = None,
) -> list[str]:
    """Search the web.

    The best comes first.

    Raises:
        OSError: the web is away.
    """
    return [query] * limit


def test_a_function_is_described_by_its_annotations_and_its_docstring() -> None:
    made = tool(search)

    assert made.definition["name"] == "search"
    assert made.definition["description"] == "Search the web.\n\nThe best comes first."
    schema = made.definition["input_schema"]
    assert list(schema["properties"]) == ["query", "limit", "kind", "near"]
    assert schema["required"] == ["query"]
    assert schema["additionalProperties"] is False
    limit = schema["properties"]["limit"]
    assert (limit["type"], limit["maximum"], limit["description"]) == ("integer", 5, "How many")
    assert made.wants_ctx
    assert (made.acts, made.timeout_s) == (False, 30)


def test_what_the_model_hands_over_becomes_arguments() -> None:
    made = tool(search)

    assert made.arguments({"query": "a"}) == {"query": "a"}
    assert made.arguments({"query": "a", "near": {"city": "Bonn"}}) == {
        "query": "a",
        "near": Place(city="Bonn"),
    }


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"query": 1},
        {"query": "a", "limit": 6},
        {"query": "a", "ctx": 1},
        {"query": "a", "more": 1},
        {"arg_query": "a"},
        [],
        None,
        "a",
    ],
)
def test_what_it_does_not_take_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError):
        tool(search).arguments(given)


async def test_a_tool_is_still_a_function() -> None:
    assert await tool(search)("a", limit=2) == ["a", "a"]


def test_it_is_named_and_acts_when_told_so() -> None:
    @tool(acts=True, name="post", timeout_s=5)
    def send(text: str, ctx: Context) -> None:
        """Send it."""

    assert (send.name, send.acts, send.timeout_s, send.wants_ctx) == ("post", True, 5, True)


def test_methods_and_callable_objects_are_tools_too() -> None:
    class Desk:
        """Answers at the desk."""

        def look_up(self, name: str) -> str:
            """Look somebody up."""
            return name

        def __call__(self, place: int) -> int:
            """Take a place."""
            return place

    tools = as_tools([Desk().look_up, Desk()])

    assert list(tools) == ["look_up", "Desk"]
    assert tools["look_up"].arguments({"name": "Ann"}) == {"name": "Ann"}


def test_what_is_bound_is_not_the_models_to_change() -> None:
    made = tool(functools.partial(search, limit=1))

    assert made.name == "search"
    assert list(made.input_schema["properties"]) == ["query", "kind", "near"]
    with pytest.raises(ValidationError):
        made.arguments({"query": "a", "limit": 5})


def test_names_of_pydantics_own_may_be_parameters() -> None:
    @tool
    def pick(schema: str, json: int, model_config: str = "") -> None:
        """Pick."""

    assert pick.arguments({"schema": "a", "json": 1}) == {"schema": "a", "json": 1}


def untyped(query) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    """Do something."""


def many(*queries: str) -> None:
    """Do something."""


def silent(query: str) -> None:
    pass


def odd(query: object) -> None:
    """Do something."""


def unknown(query: Nowhere) -> None:  # type: ignore[name-defined] # noqa: F821
    """Do something."""


class Handle:
    """Has no JSON."""


def handle(query: Handle) -> None:
    """Do something."""


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (untyped, "does not say what 'query' is"),
        (many, r"takes \*queries: 'str': each of its parameters has a name"),
        (silent, "has no docstring"),
        (unknown, "takes what JSON cannot say"),
        (handle, "takes what JSON cannot say"),
        (lambda: None, "The tool '<lambda>': a name has 1 to 64"),
        ("search", "A tool is a function, not str"),
        (len, "takes obj: each of its parameters has a name"),
        (zip, "The tool 'zip' takes"),
    ],
)
def test_what_says_too_little_is_no_tool(function: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        tool(function)


@pytest.mark.parametrize("timeout_s", [0, -1, 601, float("nan"), None, True])
def test_a_tool_ends_within_a_bound(timeout_s: Any) -> None:
    with pytest.raises(ConfigurationError, match="timeout_s="):
        tool(search, timeout_s=timeout_s)


def test_two_tools_have_two_names() -> None:
    with pytest.raises(ConfigurationError, match="Two tools are called 'search'"):
        as_tools([search, tool(cast("Any", search))])
