"""`streamagents topics`: what the broker lacks of an application's topics, and making it so."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamagents.cli.common import ANSWER_S, AppModule, AsJson, load, quiet_drivers
from streamagents.errors import TopicsError
from streamagents.topics import plan as compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streamagents.topics import Change, TopicSpec

app = typer.Typer(help="Plan and create the application's topics.", no_args_is_help=True)

_WORDS = {"create": "create", "configure": "configure", "refuse": "refused", "none": "in order"}
_PIPE_WIDTH = 240
_DONE = {"create": "created", "configure": "configured"}


@app.command()
def plan(*, app: AppModule = None, as_json: AsJson = False) -> None:
    """Show what `apply` would do, and what keys and identifies the events of each topic."""
    quiet_drivers()
    application = load(app)
    changes = asyncio.run(_plan(application.settings.bootstrap, application.specs()))
    if as_json:
        typer.echo(json.dumps([_as_dict(change) for change in changes]))
    else:
        _print_table(changes)


@app.command()
def apply(*, app: AppModule = None, as_json: AsJson = False) -> None:
    """Create and configure the topics. A partition count is never changed."""
    quiet_drivers()
    application = load(app)
    changes = asyncio.run(_apply(application.settings.bootstrap, application.specs()))
    if as_json:
        typer.echo(json.dumps([_as_dict(change) for change in changes]))
    else:
        typer.echo(_summary(changes))
    if refused := [change for change in changes if change.action == "refuse"]:
        raise TopicsError(_refusal(refused))


@app.command()
def grow(
    topics: Annotated[list[str], typer.Argument(metavar="TOPIC...", help="All of one agent.")],
    partitions: Annotated[int, typer.Option(min=2, max=10_000, help="How many they get.")],
    app: AppModule = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Give topics more partitions: state and unread events move with their keys.

    The group must be stopped. Can be run again after a kill.
    """
    from streamagents.cli.letters import registrations_of  # noqa: PLC0415 - it loads much
    from streamagents.runtime.growing import Grower  # noqa: PLC0415 - the Kafka client

    quiet_drivers()
    application = load(app)
    grower = Grower(
        application.settings.bootstrap,
        group=application.group,
        layout=application.layout,
        registrations=registrations_of(application),
        folder=application.settings.data_dir,
        say=lambda sentence: typer.echo(sentence, err=True),
    )
    names = [application.layout.name(topic) for topic in topics]
    grown = asyncio.run(grower.grow(names, partitions))
    if as_json:
        typer.echo(json.dumps(asdict(grown)))
    else:
        typer.echo(
            f"{', '.join(names)} grew from {grown.before} to {grown.after} partitions. Say so in "
            f"the application before its workers start (`partitions={grown.after}` of the model)."
        )


async def _plan(bootstrap: str, specs: Sequence[TopicSpec]) -> list[Change]:
    from streamagents.bus import KafkaAdmin  # noqa: PLC0415 - this imports the Kafka client

    async with KafkaAdmin(bootstrap, timeout_s=ANSWER_S) as admin:
        return compare(specs, await admin.describe([spec.name for spec in specs]))


async def _apply(bootstrap: str, specs: Sequence[TopicSpec]) -> list[Change]:
    from streamagents.bus import KafkaAdmin  # noqa: PLC0415 - this imports the Kafka client

    async with KafkaAdmin(bootstrap, timeout_s=ANSWER_S) as admin:
        changes = compare(specs, await admin.describe([spec.name for spec in specs]))
        await admin.apply(changes)
        await admin.wait_for([spec.name for spec in specs], timeout_s=ANSWER_S)
    return changes


def _summary(changes: Iterable[Change]) -> str:
    lines = [
        f"{_DONE[change.action]} {change.spec.name}: {_shape(change)}"
        for change in changes
        if change.action in _DONE
    ]
    return "\n".join(lines) or "Nothing to do: all other topics are as they should be."


def _shape(change: Change) -> str:
    if change.action == "configure":
        return change.reason
    return f"{change.spec.partitions} partitions, replication {change.spec.replication}"


def _refusal(refused: Iterable[Change]) -> str:
    by_reason: dict[str, list[str]] = {}
    for change in refused:
        by_reason.setdefault(change.reason, []).append(change.spec.name)
    topics = "; ".join(f"{', '.join(names)} {reason}" for reason, names in by_reason.items())
    return (
        "Refused to change partition counts, for events would move away from the state of their "
        f"keys: {topics}. Set the count that the topic has (STREAMAGENTS_PARTITIONS, or "
        "`partitions=` of its model), or name another topic."
    )


def _as_dict(change: Change) -> dict[str, Any]:
    return {
        "topic": change.spec.name,
        "action": change.action,
        "reason": change.reason,
        "partitions": change.spec.partitions,
        "replication": change.spec.replication,
        "keyed_by": change.spec.keyed_by,
        "identified_by": change.spec.identified_by,
        "config": dict(change.spec.config),
    }


def _print_table(changes: Iterable[Change]) -> None:
    from rich.box import SIMPLE  # noqa: PLC0415 - `--help` can do without
    from rich.console import Console  # noqa: PLC0415 - likewise
    from rich.table import Table  # noqa: PLC0415 - likewise

    table = Table("Topic", "Action", "Partitions", "Keyed by", "Identified by", box=SIMPLE)
    table.columns[0].no_wrap = True
    notes = []
    for change in changes:
        spec = change.spec
        table.add_row(
            spec.name,
            _WORDS[change.action],
            str(spec.partitions),
            spec.keyed_by,
            spec.identified_by,
        )
        if change.action in {"configure", "refuse"}:
            notes.append(f"{spec.name} {change.reason}.")
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PIPE_WIDTH)  # for grep: a topic a line
    console.print(table)
    for note in notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)
