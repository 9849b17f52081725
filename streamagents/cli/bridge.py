"""`streamagents bridge`: messages of queues that exist already become events."""

from __future__ import annotations

from typing import Annotated

import typer

from streamagents.cli.common import AppModule, module_of


def bridge(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Names of bridges. Default: all."),
    ] = None,
    app: AppModule = None,
) -> None:
    """Pass the messages of other queues on, as the application's events."""
    from streamagents.runtime.app import load_app  # noqa: PLC0415 - this imports Faust
    from streamagents.runtime.bridges import bridge as run  # noqa: PLC0415 - likewise

    run(load_app(module_of(app)), names or [])
