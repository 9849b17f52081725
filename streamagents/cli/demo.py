"""`streamagents demo`: everything at once on this machine, with sample events and a live view."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from streamagents.errors import DevkitError
from streamagents.settings import load_settings

if TYPE_CHECKING:
    from streamagents.devkit.demo.run import Shown
    from streamagents.settings import Settings

_INSTALL = "run pip install 'streamagents[devkit]'"
_EXAMPLE = """'{"email": "you@example.com", "message": "A demo this week?"}'"""


def demo(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="End when every event has its outcome.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as one JSON object.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask before using a broker elsewhere.")
    ] = False,
) -> None:
    """Start Kafka and the starter agents, send sample events, and show what becomes of them."""
    settings = load_settings()
    try:
        from streamagents.devkit.demo.run import run_demo  # noqa: PLC0415 - needs the extra
        from streamagents.devkit.demo.view import Screen  # noqa: PLC0415 - likewise
        from streamagents.devkit.harness import is_loopback  # noqa: PLC0415 - likewise
    except ModuleNotFoundError as exc:
        raise DevkitError(f"The demo needs {exc.name}: {_INSTALL}.") from exc
    if not (yes or is_loopback(settings.bootstrap)):
        _ask(settings)
    screen = Screen(stderr=as_json)
    result = run_demo(settings, _starter, screen, once=once, hint=_hint(settings))
    if as_json and result.summary is not None:
        typer.echo(json.dumps(result.summary.as_dict()))
    raise typer.Exit(result.exit_code)


def _starter() -> Shown:
    from streamagents.devkit.demo.run import Shown  # noqa: PLC0415 - needs the extra
    from streamagents.starter.building import build_app  # noqa: PLC0415 - this imports Faust
    from streamagents.starter.samples import sample_events  # noqa: PLC0415 - beside its app
    from streamagents.starter.world import SITES, world  # noqa: PLC0415 - likewise

    return Shown(app=build_app, samples=sample_events, sites=SITES, world=world)


def _ask(settings: Settings) -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter(
            f"the broker {settings.bootstrap} is not on this machine: without a terminal to ask "
            "on, --yes is needed"
        )
    typer.confirm(
        f"The broker {settings.bootstrap} is not on this machine. Create the starter app's topics "
        "there and send sample events?",
        abort=True,
        err=True,
    )


def _hint(settings: Settings) -> list[str]:
    """How to send an event to this very broker, from another terminal."""
    named = {
        "STREAMAGENTS_BROKER": settings.broker,
        "STREAMAGENTS_KAFKA_PORT": os.environ.get("STREAMAGENTS_KAFKA_PORT"),
        "STREAMAGENTS_TOPIC_PREFIX": settings.topic_prefix,
    }
    prefix = "".join(f"{name}={value} " for name, value in named.items() if value)
    return [
        "Send your own from another terminal:",
        f"  {prefix}streamagents send new_lead --data {_EXAMPLE}",
    ]
