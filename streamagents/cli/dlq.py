"""`streamagents dlq`: dead letters by hand. Counted, shown, brought home, closed."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - typer looks at the annotations at run time
from typing import Annotated

import typer

from streamagents.cli.common import AsJson, quiet_drivers
from streamagents.cli.counted import print_counts, row_of
from streamagents.cli.letters import (
    Closed,
    Yes,
    ask,
    count_letters,
    first_letters,
    names_of,
    redaction_of,
    rereadable,
    tell_unanswered,
)
from streamagents.cli.selection import Selection, selecting
from streamagents.review.shown import as_dict, in_words
from streamagents.settings import load_settings

app = typer.Typer(help="Look at dead letters, bring them home, close them.", no_args_is_help=True)


@app.command("list")
@selecting
def list_(*, meant: Selection, as_json: AsJson = False) -> None:
    """Count the letters that wait for somebody, by topic, agent and error."""
    quiet_drivers()
    wanted = meant.filter()
    counts, _ = asyncio.run(count_letters(load_settings(), wanted))
    tell_unanswered(wanted)
    now = datetime.now(UTC)
    if as_json:
        typer.echo(json.dumps([row_of(*row, now) for row in counts.rows()]))
    else:
        print_counts(counts, now)


@app.command()
@selecting
def show(
    letter: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="As --id: of the event or the letter.")
    ] = None,
    *,
    meant: Selection,
    limit: Annotated[int, typer.Option(min=1, help="Letters to show.")] = 10,
    closed: Closed = False,
    as_json: AsJson = False,
) -> None:
    """Show letters: payload, headers, error, trace, attempts. Secret fields are hidden."""
    quiet_drivers()
    settings = load_settings()
    wanted = meant.named(letter).filter()
    # Whoever names a letter wants to see it, whatever has become of it.
    closed = closed or wanted.id is not None
    letters, more = asyncio.run(first_letters(settings, wanted, limit, closed=closed))
    tell_unanswered(wanted)
    redaction, names, now = redaction_of(settings), names_of(meant.app), datetime.now(UTC)
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
@selecting
def export(
    *,
    meant: Selection,
    out: Annotated[
        Path | None, typer.Option(help="File to write, for its owner's eyes only. Default: stdout.")
    ] = None,
    closed: Closed = False,
) -> None:
    """Write letters as JSON lines, byte for byte: nothing is hidden. `replay --file` reads them."""
    from streamagents.cli.export import run_export  # noqa: PLC0415 - `--help` can do without

    quiet_drivers()
    wanted = meant.filter()
    number = run_export(load_settings(), wanted, out, closed=closed)
    tell_unanswered(wanted)
    typer.echo(f"{number:,} letters, exactly as they are: nothing is hidden in them.", err=True)


@app.command()
@selecting
def purge(*, meant: Selection, yes: Yes = False, as_json: AsJson = False) -> None:
    """Close letters for good, and delete from Kafka what nobody needs any more."""
    quiet_drivers()
    settings, wanted, asked = load_settings(), meant.filter(), meant.asked()
    counts, ends = asyncio.run(count_letters(settings, wanted))
    number = counts.letters
    tell_unanswered(wanted)
    purged, deleted = 0, 0
    if number:
        what = ", ".join(f"{name} {value}" for name, value in asked.items()) or "all of them"
        ask(f"Close {number:,} letters for good ({what})?", yes=yes)
        from streamagents.cli.purge import run_purge  # noqa: PLC0415 - `--help` can do without

        purged, deleted = run_purge(settings, wanted, ends, asked=asked, app=meant.app)
    if as_json:
        typer.echo(json.dumps({"purged": purged, "partitions_cut": deleted}))
    elif number:
        typer.echo(
            f"Purged {purged:,} letters, and cut {deleted} partitions up to their first open one."
        )
    else:
        typer.echo("There is no such letter: nothing to purge.")


@app.command()
@selecting
def replay(
    *,
    meant: Selection,
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
    edit: Annotated[bool, typer.Option("--edit", help="Edit one letter in $EDITOR.")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Pay again for the steps that were paid for.")
    ] = False,
    parked: Annotated[bool, typer.Option("--parked", help="Parked letters, too.")] = False,
    purged: Annotated[
        bool, typer.Option("--purged", help="Purged letters of a --file, too: they pay again.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Those, too, that are under way: a second is skipped.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan only.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Send letters back to the group that failed. Exit code 0: all; 1: not all of them."""
    from streamagents.cli.edit import Edit  # noqa: PLC0415 - `--help` can do without
    from streamagents.cli.orders import Orders  # noqa: PLC0415 - likewise
    from streamagents.cli.replay import run_replay  # noqa: PLC0415 - likewise
    from streamagents.review.plan import Terms  # noqa: PLC0415 - likewise

    quiet_drivers()
    if sum((edit, bool(set_), data is not None)) > 1:
        raise typer.BadParameter("--edit, --set and --data exclude each other")
    if file is not None:
        rereadable(file)
    orders = Orders(
        meant=meant.filter(),
        file=file,
        terms=Terms(
            max_replays=max_replays, parked=parked, purged=purged, again=again, fresh=fresh
        ),
        rate=rate,
        wait_s=wait,
        app=meant.app,
        edit=Edit(in_editor=edit, changes=tuple(set_ or ()), data=data),
        dry_run=dry_run,
        yes=yes,
        as_json=as_json,
    )
    raise typer.Exit(run_replay(orders))
