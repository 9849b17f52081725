"""`streamagents dev`: Kafka and a worker for one application, restarted on every change."""

from __future__ import annotations

import typer

from streamagents.cli.common import AppModule, module_of
from streamagents.errors import DevkitError
from streamagents.settings import load_settings


def dev(*, app: AppModule = None) -> None:
    """Run Kafka and the application's worker, and restart it when its files change."""
    try:
        from streamagents.devkit.dev import run_dev  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as exc:
        raise DevkitError(
            f"`streamagents dev` needs {exc.name}: run pip install 'streamagents[devkit]'."
        ) from exc
    raise typer.Exit(run_dev(load_settings(), module_of(app), _tell))


def _tell(sentence: str) -> None:
    typer.echo(f"[dev] {sentence}")
