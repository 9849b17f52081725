"""`streamagents send`: one event by hand, checked first, and told of once the broker has it."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamagents.cli.common import ANSWER_S, AppModule, AsJson, load, module_of, quiet_drivers
from streamagents.errors import UndecodableError
from streamagents.events import encode, new_traceparent
from streamagents.pipeline.addressing import address
from streamagents.ports import Outgoing

if TYPE_CHECKING:
    from streamagents.pipeline.addressing import Address
    from streamagents.ports import Position

SOURCE = "streamagents/send"


def send(
    type_: Annotated[str, typer.Argument(metavar="TYPE", help="The event's type.")],
    data: Annotated[
        str,
        typer.Option(metavar="JSON|@FILE|-", help="The event's data, or where to read it from."),
    ] = "{}",
    id_: Annotated[
        str | None,
        typer.Option("--id", help="The event's id. Default: that of the data, else new."),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="The record's key, for a model that names no key field.")
    ] = None,
    app: AppModule = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Send one event; succeeds once the broker has it."""
    quiet_drivers()
    value = _read(data)
    application = load(app)
    head = address(
        application.registry, application.layout, type_=type_, value=value, id_=id_, key=key
    )
    if head.to_inbox:
        typer.echo(
            f"{module_of(app)} registers no model or agent for {type_!r} (--app names another "
            "module): it goes to the inbox, and there to the fallback agent.",
            err=True,
        )
    position = asyncio.run(_write(application.settings.bootstrap, head, value))
    typer.echo(_as_json(head, position) if as_json else _in_words(head, position))


def _read(data: str) -> bytes:
    if data == "-":
        value = sys.stdin.buffer.read()
    elif data.startswith("@"):
        try:
            value = Path(data[1:]).read_bytes()
        except OSError as exc:
            raise typer.BadParameter(f"{data[1:]} cannot be read: {exc.strerror}.") from exc
    else:
        value = data.encode(errors="surrogateescape")
    if not value.strip():
        raise UndecodableError("There is no data: an event's data is a JSON object.")
    return value.strip()


async def _write(bootstrap: str, head: Address, value: bytes) -> Position:
    from streamagents.bus import KafkaBus  # noqa: PLC0415 - this imports the Kafka client

    data, headers = encode(
        value,
        id=head.id,
        source=SOURCE,
        type=head.type,
        time=datetime.now(UTC),
        traceparent=new_traceparent(),
    )
    async with KafkaBus(bootstrap, timeout_s=ANSWER_S) as bus:
        return await bus.send(Outgoing(topic=head.topic, key=head.key, value=data, headers=headers))


def _as_json(head: Address, position: Position) -> str:
    said: dict[str, Any] = {
        "id": head.id,
        "type": head.type,
        "topic": position.topic,
        "partition": position.partition,
        "offset": position.offset,
        "key": head.key.decode(errors="replace"),
        "inbox": head.to_inbox,
    }
    return json.dumps(said)


def _in_words(head: Address, position: Position) -> str:
    return (
        f"Sent {head.type} {head.id}: topic {position.topic}, partition {position.partition}, "
        f"offset {position.offset}."
    )
