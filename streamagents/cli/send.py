"""`streamagents send`: one event by hand, checked first, and told of once the broker has it."""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from streamagents.cli.common import ANSWER_S, AppModule, AsJson, load, module_of, quiet_drivers
from streamagents.errors import InvalidEventError, UndecodableError
from streamagents.events import encode, new_traceparent
from streamagents.events.wire import parse
from streamagents.ports import Outgoing

if TYPE_CHECKING:
    from streamagents.agents import Registry
    from streamagents.events import Event, EventType
    from streamagents.ports import Position
    from streamagents.topics import Layout

SOURCE = "streamagents/send"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """What an event is, and where it goes."""

    type: str
    topic: str
    to_inbox: bool
    id: str
    key: bytes


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


def address(
    registry: Registry,
    layout: Layout,
    *,
    type_: str,
    value: bytes,
    id_: str | None,
    key: str | None,
) -> Letterhead:
    """Check an event, and decide where it goes under which id and key.

    Raises:
        InvalidEventError: the data is not what the event's model asks for.
    """
    event, model = _known(registry, type_)
    payload = _validate(type_, value, model)
    id_ = id_ or (payload.event_id() if payload else None) or str(uuid.uuid4())
    own_key = payload.event_key() if payload else None
    return Letterhead(
        type=type_,
        topic=layout.typed(event).name if event else layout.inbox().name,
        to_inbox=event is None,
        id=id_,
        key=own_key if own_key is not None else (id_ if key is None else key).encode(),
    )


def _known(registry: Registry, type_: str) -> tuple[EventType | None, type[Event] | None]:
    registration = registry.for_type(type_)
    if registration is not None:
        return registration.event, registration.model
    for model in registry.events.values():  # those that agents emit and nobody takes
        if model.event_type.type == type_:
            return model.event_type, model
    return None, None


def _validate(type_: str, value: bytes, model: type[Event] | None) -> Event | None:
    try:
        data = parse(value)
    except UndecodableError as exc:
        raise UndecodableError(f"The data of {type_!r} is no JSON: {exc.__cause__}.") from exc
    if not isinstance(data, dict):
        raise InvalidEventError(f"The data of {type_!r} is no JSON object.")
    if model is None:
        return None
    try:
        return model.model_validate_json(value)
    except ValidationError as exc:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'the data'}: {fault['msg']}"
            for fault in exc.errors(include_url=False, include_input=False)
        )
        raise InvalidEventError(f"The data is no {type_!r}: {faults.rstrip('.')}.") from exc


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


async def _write(bootstrap: str, head: Letterhead, value: bytes) -> Position:
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


def _as_json(head: Letterhead, position: Position) -> str:
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


def _in_words(head: Letterhead, position: Position) -> str:
    return (
        f"Sent {head.type} {head.id}: topic {position.topic}, partition {position.partition}, "
        f"offset {position.offset}."
    )
