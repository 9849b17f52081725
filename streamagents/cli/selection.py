"""Which letters are meant: the options that every command of `streamagents dlq` takes."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamagents.cli.common import AppModule  # noqa: TC001 - typer looks at the annotations at run time
from streamagents.cli.letters import names_of
from streamagents.review.filters import Filter, Where, read_moment
from streamagents.review.letter import Letter
from streamagents.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

Topic = Annotated[
    str | None, typer.Option(metavar="TOPIC", help="Of the events, or the topic of letters itself.")
]
Agent = Annotated[str | None, typer.Option(metavar="AGENT", help="The agent that failed.")]
Error = Annotated[str | None, typer.Option(metavar="ERROR", help="Error code, or class of error.")]
Since = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Written then or later: RFC 3339, or 90m, 6h, 2d."),
]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Written before then.")]
Key = Annotated[str | None, typer.Option(metavar="KEY", help="The record's key.")]
Id = Annotated[
    str | None,
    typer.Option("--id", metavar="ID", help="The event's id, or topic:partition:offset."),
]
Expression = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="EXPR",
        help="JMESPath over data, headers, error, attempts, ...: \"data.country == 'DE'\".",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a person said of the letters that are meant; each field is an option."""

    topic: Topic = None
    agent: Agent = None
    error: Error = None
    since: Since = None
    until: Until = None
    key: Key = None
    id_: Id = None
    where: Expression = None
    app: AppModule = None

    def filter(self) -> Filter:
        """The same as a question to each letter.

        Raises:
            ConfigurationError: a time is none, or an expression is none.
        """
        now = datetime.now(UTC)
        return Filter(
            topic=self.topic,
            agent=self.agent,
            error=self.error,
            since=None if self.since is None else read_moment(self.since, now),
            until=None if self.until is None else read_moment(self.until, now),
            key=self.key,
            id=self.id_,
            names=Letter.ids if self.id_ is None else names_of(self.app),
            where=None if self.where is None else Where(self.where),
            prefix=load_settings().topic_prefix,
        )

    def named(self, id_: str | None) -> Selection:
        """The same, by an id that was said without its option."""
        return self if id_ is None else replace(self, id_=id_)

    def asked(self) -> dict[str, str]:
        """What was said, by the options' names."""
        said = {f.name.rstrip("_"): getattr(self, f.name) for f in fields(self) if f.name != "app"}
        return {name: value for name, value in said.items() if value is not None}


def selecting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a `Selection`, in place of its parameter `meant`.

    Typer knows no options that commands share: it reads them off a function's signature.
    """
    own = inspect.signature(command, eval_str=True)
    shared = inspect.signature(Selection, eval_str=True).parameters

    @wraps(command)
    def selected(**options: Any) -> None:
        said = {name: options.pop(name) for name in shared}
        command(meant=Selection(**said), **options)

    parameters: list[inspect.Parameter] = []
    for name, parameter in own.parameters.items():
        parameters += shared.values() if name == "meant" else [parameter]
    selected.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined] # Python looks for it there
    return selected
