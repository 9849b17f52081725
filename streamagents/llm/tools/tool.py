"""`tool`: a typed function as something that a model may call."""

from __future__ import annotations

import functools
import inspect
import re
import typing
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, overload

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError

from streamagents.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

TIMEOUT_S = 30.0
_LONGEST_S = 600.0
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_CTX = "ctx"
_BROKEN = (
    PydanticUserError,
    PydanticUndefinedAnnotation,
    NameError,
    TypeError,
    ValueError,
    SyntaxError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function that a model may call, and what the model is told of it."""

    name: str
    description: str
    input_schema: Mapping[str, Any]
    function: Callable[..., Any]
    parameters: type[BaseModel]
    wants_ctx: bool
    acts: bool = False
    """It decides effects (`ctx.act`), and reads nothing: the model is told that they are queued."""
    timeout_s: float = TIMEOUT_S

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, as a test does."""
        return self.function(*args, **kwargs)

    @property
    def definition(self) -> Mapping[str, Any]:
        """What the model is told."""
        return {
            "name": self.name,
            "description": self.description,
            "input_schema": self.input_schema,
        }

    def arguments(self, given: Any) -> dict[str, Any]:
        """What the function is called with, without the context.

        Args:
            given: what the model says.

        Raises:
            pydantic.ValidationError: that is not what the function takes.
        """
        read = self.parameters.model_validate(given)
        return {
            str(part.alias): getattr(read, name)
            for name, part in type(read).model_fields.items()
            if name in read.model_fields_set
        }


@overload
def tool(function: Callable[..., Any]) -> Tool: ...
@overload
def tool(
    *, acts: bool = False, name: str | None = None, timeout_s: float = TIMEOUT_S
) -> Callable[[Callable[..., Any]], Tool]: ...
@overload
def tool(
    function: Callable[..., Any],
    *,
    acts: bool = False,
    name: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Tool: ...


def tool(
    function: Callable[..., Any] | None = None,
    *,
    acts: bool = False,
    name: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Make a tool of a function: `@tool`, `@tool(acts=True)`, or `tool(self.search)`.

    The annotations say what the model may hand over, the docstring says what for. A parameter `ctx`
    gets the agent's context, and the model does not know of it. A plain function runs in a thread.

    Args:
        function: what is called, async or not.
        acts: it decides effects with `ctx.act`, and does nothing else.
        name: what the model calls it by; default the function's.
        timeout_s: one call may last so long.

    Raises:
        ConfigurationError: the function says too little, or the time is none.
    """
    number = isinstance(timeout_s, (int, float)) and not isinstance(timeout_s, bool)
    if not number or not 0 < timeout_s <= _LONGEST_S:
        raise ConfigurationError(
            f"tool(..., timeout_s={timeout_s!r}): a number of seconds above 0, at most "
            f"{_LONGEST_S:.0f}."
        )

    def made(function: Callable[..., Any]) -> Tool:
        return replace(_of(function, name), acts=acts, timeout_s=timeout_s)

    return made if function is None else made(function)


def as_tools(given: Sequence[Any]) -> dict[str, Tool]:
    """The tools of a call by name; functions become tools that read.

    Raises:
        ConfigurationError: one of them is none, or two have one name.
    """
    tools: dict[str, Tool] = {}
    for one in given:
        made = one if isinstance(one, Tool) else _of(one, None)
        if made.name in tools:
            raise ConfigurationError(
                f"Two tools are called {made.name!r}: name one of them otherwise, as in "
                "tool(function, name='...')."
            )
        tools[made.name] = made
    return tools


def _of(function: Any, name: str | None) -> Tool:
    if not callable(function):
        raise ConfigurationError(f"A tool is a function, not {type(function).__name__}.")
    plain = function.func if isinstance(function, functools.partial) else function
    name = name or str(getattr(plain, "__name__", type(plain).__name__))
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"The tool {name!r}: a name has 1 to 64 letters, digits, underscores or hyphens. Give "
            "it one, as in tool(function, name='...')."
        )
    # What it raises is told to the model when it happens.
    description = (inspect.getdoc(plain) or "").partition("\n\nRaises:")[0]
    if not description:
        raise ConfigurationError(
            f"The tool {name!r} has no docstring: that is how the model learns what it is for."
        )
    try:
        taken = _taken(name, function)
        parameters = _parameters(name, plain, taken)
    except _BROKEN as exc:
        raise ConfigurationError(
            f"The tool {name!r} takes what JSON cannot say: {str(exc).splitlines()[0]}"
        ) from exc
    return Tool(
        name=name,
        description=description,
        input_schema=parameters.model_json_schema(),
        function=function,
        parameters=parameters,
        wants_ctx=_CTX in inspect.signature(function).parameters,
    )


def _taken(name: str, function: Any) -> list[inspect.Parameter]:
    """The parameters that are the model's."""
    bound = function.keywords if isinstance(function, functools.partial) else {}
    # What is bound by name has become a default, which is not the model's to change.
    ours = {_CTX, *bound}
    taken = list(inspect.signature(function).parameters.values())
    for part in taken:
        if part.kind in {part.POSITIONAL_ONLY, part.VAR_POSITIONAL, part.VAR_KEYWORD}:
            raise ConfigurationError(
                f"The tool {name!r} takes {part}: each of its parameters has a name."
            )
        if part.annotation is part.empty and part.name not in ours:
            raise ConfigurationError(
                f"The tool {name!r} does not say what {part.name!r} is: annotate it. (A method "
                "becomes a tool of its object: tool(self.search).)"
            )
    return [part for part in taken if part.name not in ours]


def _parameters(name: str, plain: Any, taken: Sequence[inspect.Parameter]) -> type[BaseModel]:
    """A model of what the function takes."""
    hints = _hints(plain, [part.name for part in taken])
    fields: dict[str, Any] = {
        # Behind a prefix: no parameter is to meet a method of pydantic's.
        f"arg_{part.name}": (
            hints[part.name],
            Field(... if part.default is part.empty else part.default, alias=part.name),
        )
        for part in taken
    }
    config = ConfigDict(extra="forbid")
    model: type[BaseModel] = create_model(name, __config__=config, **fields)
    model.model_json_schema()  # what JSON has no word for is told here
    return model


def _hints(function: Any, names: list[str]) -> dict[str, Any]:
    """The annotations of these parameters alone: `ctx`'s is often there for type checkers only."""
    plain = inspect.unwrap(getattr(function, "__func__", function))
    if not inspect.isfunction(plain):
        plain = type(plain).__call__
    said = {name: plain.__annotations__[name] for name in names}
    holder = SimpleNamespace(__annotations__=said)
    return typing.get_type_hints(holder, globalns=plain.__globals__, include_extras=True)
