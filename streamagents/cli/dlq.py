"""`streamagents dlq`: dead letters by hand. Counted, shown, brought home, closed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - typer looks at the annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

from streamagents.cli.common import AppModule, AsJson, quiet_drivers
from streamagents.cli.counted import print_counts, row_of
from streamagents.cli.letters import (
    Agent,
    Closed,
    Error,
    Expression,
    Id,
    Key,
    Since,
    Topic,
    Until,
    Yes,
    ask,
    names_of,
    open_desk,
    redaction_of,
    tell_unanswered,
    wanted,
)
from streamagents.review.counts import Counts
from streamagents.review.exported import to_line
from streamagents.review.shown import as_dict, in_words
from streamagents.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from streamagents.review.filters import Filter
    from streamagents.review.letter import Letter
    from streamagents.settings import Settings

app = typer.Typer(help="Look at dead letters, bring them home, close them.", no_args_is_help=True)


@app.command("list")
def list_(
    *,
    topic: Topic = None,
    agent: Agent = None,
    error: Error = None,
    since: Since = None,
    until: Until = None,
    key: Key = None,
    id_: Id = None,
    where: Expression = None,
    app: AppModule = None,
    as_json: AsJson = False,
) -> None:
    """Count the letters that wait for somebody, by topic, agent and error."""
    quiet_drivers()
    meant = wanted(
        topic=topic,
        agent=agent,
        error=error,
        since=since,
        until=until,
        key=key,
        id_=id_,
        where=where,
        app=app,
    )
    counts = asyncio.run(_count(load_settings(), meant))
    tell_unanswered(meant)
    now = datetime.now(UTC)
    if as_json:
        typer.echo(json.dumps([row_of(*row, now) for row in counts.rows()]))
    else:
        print_counts(counts, now)


@app.command()
def show(
    letter: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="As --id: of the event or the letter.")
    ] = None,
    *,
    topic: Topic = None,
    agent: Agent = None,
    error: Error = None,
    since: Since = None,
    until: Until = None,
    key: Key = None,
    id_: Id = None,
    where: Expression = None,
    app: AppModule = None,
    limit: Annotated[int, typer.Option(min=1, help="Letters to show.")] = 10,
    closed: Closed = False,
    as_json: AsJson = False,
) -> None:
    """Show letters: payload, headers, error, trace, attempts. Secret fields are hidden."""
    quiet_drivers()
    settings = load_settings()
    meant = wanted(
        topic=topic,
        agent=agent,
        error=error,
        since=since,
        until=until,
        key=key,
        id_=letter or id_,
        where=where,
        app=app,
    )
    # Whoever names a letter wants to see it, whatever has become of it.
    named = meant.id is not None
    letters, more = asyncio.run(_first(settings, meant, limit, closed=closed or named))
    tell_unanswered(meant)
    redaction, names, now = redaction_of(settings), names_of(app), datetime.now(UTC)
    if as_json:
        typer.echo(json.dumps([as_dict(found, redaction, names(found)[0]) for found in letters]))
    elif letters:
        typer.echo(
            "\n\n".join(in_words(found, redaction, names(found)[0], now) for found in letters)
        )
    if more:
        typer.echo(f"There are more than {limit}: name them, or raise --limit.", err=True)
    if not letters:
        typer.echo("There is no such letter.", err=True)
        raise typer.Exit(1)


@app.command()
def export(
    *,
    out: Annotated[
        Path | None, typer.Option(help="File to write, for its owner's eyes only. Default: stdout.")
    ] = None,
    topic: Topic = None,
    agent: Agent = None,
    error: Error = None,
    since: Since = None,
    until: Until = None,
    key: Key = None,
    id_: Id = None,
    where: Expression = None,
    app: AppModule = None,
    closed: Closed = False,
) -> None:
    """Write letters as JSON lines, byte for byte: nothing is hidden. `replay --file` reads them."""
    quiet_drivers()
    meant = wanted(
        topic=topic,
        agent=agent,
        error=error,
        since=since,
        until=until,
        key=key,
        id_=id_,
        where=where,
        app=app,
    )
    with _opened(out) as file:
        number = asyncio.run(_export(load_settings(), meant, file, closed=closed))
    tell_unanswered(meant)
    typer.echo(f"{number:,} letters, exactly as they are: nothing is hidden in them.", err=True)


@app.command()
def purge(
    *,
    topic: Topic = None,
    agent: Agent = None,
    error: Error = None,
    since: Since = None,
    until: Until = None,
    key: Key = None,
    id_: Id = None,
    where: Expression = None,
    app: AppModule = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Close letters for good, and delete from Kafka what nobody needs any more."""
    quiet_drivers()
    options = {
        "topic": topic,
        "agent": agent,
        "error": error,
        "since": since,
        "until": until,
        "key": key,
        "id": id_,
        "where": where,
    }
    meant = wanted(
        topic=topic,
        agent=agent,
        error=error,
        since=since,
        until=until,
        key=key,
        id_=id_,
        where=where,
        app=app,
    )
    asked = {name: value for name, value in options.items() if value is not None}
    settings = load_settings()
    number = asyncio.run(_count(settings, meant)).letters
    tell_unanswered(meant)
    purged, deleted = 0, 0
    if number:
        what = "all of them" if not asked else ", ".join(f"{n} {v}" for n, v in asked.items())
        ask(f"Close {number:,} letters for good ({what})?", yes=yes)
        from streamagents.cli.purge import run_purge  # noqa: PLC0415 - `--help` can do without

        purged, deleted = run_purge(settings, meant, asked)
    if as_json:
        typer.echo(json.dumps({"purged": purged, "partitions_cut": deleted}))
    elif number:
        typer.echo(
            f"Purged {purged:,} letters, and cut {deleted} partitions up to their first open one."
        )
    else:
        typer.echo("There is no such letter: nothing to purge.")


@app.command()
def replay(
    *,
    topic: Topic = None,
    agent: Agent = None,
    error: Error = None,
    since: Since = None,
    until: Until = None,
    key: Key = None,
    id_: Id = None,
    where: Expression = None,
    file: Annotated[Path | None, typer.Option(help="Letters that `export` has written.")] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.01, help="Letters a second at most. Default: no limit.")
    ] = None,
    max_replays: Annotated[
        int, typer.Option(min=1, help="A letter replayed so often is parked for people.")
    ] = 3,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of one letter's data."),
    ] = None,
    data: Annotated[
        str | None, typer.Option(metavar="JSON|@FILE|-", help="Other data for one letter.")
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, max=86_400, help="Seconds to wait for the outcomes.")
    ] = 0,
    app: AppModule = None,
    edit: Annotated[bool, typer.Option("--edit", help="Edit one letter in $EDITOR.")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Pay again for the steps that were paid for.")
    ] = False,
    parked: Annotated[bool, typer.Option("--parked", help="Parked letters, too.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Those, too, that are under way: a second is skipped.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan only.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Send letters back to the group that failed. Exit code 0: all; 1: not all of them."""
    from streamagents.cli.replay import Orders, run_replay  # noqa: PLC0415 - `--help` can do without
    from streamagents.review.plan import Terms  # noqa: PLC0415 - likewise

    quiet_drivers()
    if sum((edit, bool(set_), data is not None)) > 1:
        raise typer.BadParameter("--edit, --set and --data exclude each other")
    orders = Orders(
        meant=wanted(
            topic=topic,
            agent=agent,
            error=error,
            since=since,
            until=until,
            key=key,
            id_=id_,
            where=where,
            app=app,
        ),
        file=file,
        terms=Terms(max_replays=max_replays, parked=parked, again=again, fresh=fresh),
        rate=rate,
        wait_s=wait,
        app=app,
        edit=edit,
        changes=tuple(set_ or ()),
        data=data,
        dry_run=dry_run,
        yes=yes,
        as_json=as_json,
    )
    raise typer.Exit(run_replay(orders))


async def _count(settings: Settings, meant: Filter) -> Counts:
    desk = await open_desk(settings, meant.topic)
    counts = Counts()
    async for letter in desk.letters(meant):
        counts.add(letter)
    return counts


async def _first(
    settings: Settings, meant: Filter, limit: int, *, closed: bool
) -> tuple[list[Letter], bool]:
    """The first so many letters, and whether there are more."""
    desk = await open_desk(settings, meant.topic)
    letters: list[Letter] = []
    found = desk.letters(meant, closed=closed)
    try:
        async for letter in found:
            if len(letters) == limit:
                return letters, True
            letters.append(letter)
    finally:
        await found.aclose()
    return letters, False


async def _export(settings: Settings, meant: Filter, file: TextIO, *, closed: bool) -> int:
    desk = await open_desk(settings, meant.topic)
    number = 0
    async for letter in desk.letters(meant, closed=closed):
        file.write(to_line(letter) + "\n")
        number += 1
    file.flush()
    return number


@contextmanager
def _opened(out: Path | None) -> Iterator[TextIO]:
    if out is None:
        yield sys.stdout
        return
    try:
        number = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as exc:
        raise typer.BadParameter(f"{out} cannot be written: {exc.strerror}.") from exc
    with open(number, "w", encoding="utf-8") as file:  # noqa: PTH123 - it is a descriptor
        yield file
