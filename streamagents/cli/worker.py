"""`streamagents worker`: `faust -A MODULE worker`, with our defaults."""

from __future__ import annotations

import typer  # noqa: TC002 - typer looks at the annotations at run time

from streamagents.cli.common import AppModule, module_of

CONTEXT_SETTINGS = {"allow_extra_args": True, "ignore_unknown_options": True}


def worker(ctx: typer.Context, *, app: AppModule = None) -> None:
    """Run the application's agents. Further options go to `faust worker`, such as --loglevel."""
    from streamagents.runtime.worker import run  # noqa: PLC0415 - this imports Faust

    run(module_of(app), list(ctx.args))
