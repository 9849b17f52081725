"""Run a worker: `faust -A MODULE worker`, with our defaults and without a traceback for a user."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from faust.cli.faust import cli

from streamagents.runtime.app import load_app

if TYPE_CHECKING:
    from collections.abc import Sequence


def run(module: str, arguments: Sequence[str]) -> None:
    """Run until stopped; ends by SystemExit with the worker's exit code.

    Args:
        module: the application's module, as for `faust -A`.
        arguments: passed on to `faust worker`.

    Raises:
        ConfigurationError: there is no such application.
    """
    settings = load_app(module).settings
    argv = ["-A", module, "worker", *arguments]
    if not any(argument.split("=")[0] in {"-l", "--loglevel"} for argument in arguments):
        argv += ["--loglevel", settings.log_level]
    sys.argv = ["streamagents", *argv]  # Faust shows it
    cli(args=argv, prog_name="faust")
