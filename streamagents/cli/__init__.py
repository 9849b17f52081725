"""The command line: one file a command. Parses, calls the rooms below, prints.

A command imports what it needs when it runs: `--help` loads neither Faust nor a Kafka client.
"""

from __future__ import annotations

import errno
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from streamagents.cli import (
    bridge,
    demo,
    dev,
    dlq,
    doctor,
    gateway,
    kafka,
    send,
    status,
    topics,
    watch,
    worker,
)
from streamagents.errors import StreamAgentsError

__all__ = ["app", "main"]

INTERRUPTED = 130
"""128 and SIGINT's number, as shells have it."""
_FULL = (errno.ENOSPC, errno.EDQUOT)

app = typer.Typer(
    name="streamagents",
    help="AI agents that hear the world: typed Kafka events, plain Python agents.",
    no_args_is_help=True,
    # A fault of ours is shown as Python shows it, without the values of a user's data.
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("dev")(dev.dev)
app.command("gateway")(gateway.gateway)
app.add_typer(kafka.app, name="kafka")
app.add_typer(dlq.app, name="dlq")
app.add_typer(topics.app, name="topics")
app.command("send")(send.send)
app.command("doctor")(doctor.doctor)
app.command("status")(status.status)
app.command("watch")(watch.watch)
app.command("bridge")(bridge.bridge)
app.command("worker", context_settings=worker.CONTEXT_SETTINGS)(worker.worker)


def main() -> None:
    """The console script: an error on purpose is one sentence and exit code 1."""
    try:
        app()
    except StreamAgentsError as exc:
        typer.echo(exc, err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as exc:
        if exc.errno not in _FULL:
            raise
        typer.echo(f"What this command writes found no room: {exc.strerror}.", err=True)
        with suppress(OSError):
            sys.stdout.close()  # or Python tries once more
        sys.exit(1)


@app.callback()
def _options(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=lambda on: _print(on=on)
        ),
    ] = False,
) -> None:
    """AI agents that hear the world: typed Kafka events, plain Python agents."""


def _print(*, on: bool) -> None:
    if not on:
        return
    try:
        typer.echo(f"streamagents {version('streamagents')}")
    except PackageNotFoundError:
        typer.echo("streamagents, run from a folder that was not installed")
    raise typer.Exit
