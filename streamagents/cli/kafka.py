"""`streamagents kafka`: the embedded broker by hand. Parses, calls the devkit, prints."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamagents.errors import DevkitError
from streamagents.settings import load_settings, load_supervisor

if TYPE_CHECKING:
    from streamagents.devkit.broker import BrokerStatus, EmbeddedBroker
    from streamagents.settings import Settings

app = typer.Typer(help="Run the embedded Kafka broker.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_MIB = 1024 * 1024


@app.command()
def up(
    *,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay until SIGTERM, for a service manager.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Start the broker; it stays up after this command. A broker that is up is left as it is."""
    broker = _embedded_broker(load_settings())
    if foreground:
        broker.run_foreground(
            notify=_tell,
            on_ready=lambda status: _print(status, as_json=as_json),
            supervisor=load_supervisor(),
        )
        return
    started = broker.start(notify=_tell)
    if not started and not as_json:
        typer.echo("The embedded broker was already up.")
    _print(broker.status(), as_json=as_json)


@app.command()
def down() -> None:
    """Stop the broker; its data is kept."""
    stopped = _embedded_broker(load_settings()).stop()
    typer.echo("The embedded broker is down." if stopped else "The embedded broker was not up.")


@app.command()
def status(*, as_json: AsJson = False) -> None:
    """Tell whether the broker runs, where, and how large it is."""
    settings = load_settings()
    if settings.broker is None:
        _print(_embedded_broker(settings).status(), as_json=as_json)
    elif as_json:
        typer.echo(json.dumps({"embedded": False, "address": settings.broker}))
    else:
        typer.echo(
            f"STREAMAGENTS_BROKER names the broker {settings.broker}: it is used untouched, and no"
            " embedded broker is needed."
        )


@app.command()
def reset(
    *, yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False
) -> None:
    """Stop the broker and delete all its topics and events."""
    settings = load_settings()
    broker = _embedded_broker(settings)
    if not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter("without a terminal to ask on, --yes is needed")
        typer.confirm(f"Delete every topic and event in {settings.data_dir / 'kafka'}?", abort=True)
    broker.reset()
    typer.echo("The embedded broker is down, and its data is deleted.")


def _embedded_broker(settings: Settings) -> EmbeddedBroker:
    if settings.broker is not None:
        raise DevkitError(
            f"STREAMAGENTS_BROKER names the broker {settings.broker}, which is used untouched:"
            " unset it to work with the embedded broker."
        )
    try:
        from streamagents.devkit.broker import EmbeddedBroker  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as exc:
        raise DevkitError(
            f"The embedded broker needs {exc.name}: run pip install 'streamagents[devkit]'."
        ) from exc
    return EmbeddedBroker(
        settings.data_dir,
        settings.kafka_port,
        fsync=settings.kafka_fsync,
        heap_mib=settings.kafka_heap_mib,
    )


def _print(status: BrokerStatus, *, as_json: bool) -> None:
    typer.echo(json.dumps(_as_dict(status)) if as_json else _in_words(status))


def _as_dict(status: BrokerStatus) -> dict[str, Any]:
    started_at = status.started_at.isoformat() if status.started_at else None
    return {
        "embedded": True,
        **asdict(status),
        "data_dir": str(status.data_dir),
        "started_at": started_at,
    }


def _in_words(status: BrokerStatus) -> str:
    if not status.running:
        return (
            f"The embedded broker is not running (port {status.port}, data in {status.data_dir})."
        )
    return (
        f"Kafka {status.version} serves {status.address}"
        f" (pid {status.pid}, {(status.rss_bytes or 0) // _MIB} MiB, data in {status.data_dir})."
    )


def _tell(sentence: str) -> None:
    typer.echo(sentence, err=True)
