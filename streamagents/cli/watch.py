"""`streamagents watch`: files that are dropped into folders become events."""

from __future__ import annotations

from typing import Annotated

import typer

from streamagents.cli.common import AppModule, module_of


def watch(
    folders: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FOLDER]...", help="Names of folders. Default: all."),
    ] = None,
    app: AppModule = None,
) -> None:
    """Watch the application's folders, and send what is dropped into them."""
    from streamagents.runtime.app import load_app  # noqa: PLC0415 - this imports Faust
    from streamagents.runtime.folders import watch as run  # noqa: PLC0415 - likewise

    run(load_app(module_of(app)), folders or [])
