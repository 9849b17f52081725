"""What every channel promises, asked of each with a peer of its own, and of the one for tests."""

from __future__ import annotations

import asyncio
import base64
import logging
import sqlite3
import traceback
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from streamagents.actions import (
    DatabaseChannel,
    Deliverer,
    Delivery,
    Effect,
    Email,
    EmailChannel,
    HttpChannel,
    HttpPost,
    LogChannel,
    LogLine,
    RecordUpsert,
    SlackChannel,
    SlackMessage,
    build_channels,
)
from streamagents.actions.deliver import route_of
from streamagents.errors import Reject
from streamagents.net import Http
from streamagents.pipeline.deadletter import LetterFacts, letter
from streamagents.pipeline.outcome import DeadLetter
from streamagents.pipeline.retry import after_failure
from streamagents.ports import Position
from streamagents.runtime.channels import close_channels
from streamagents.testing import FakeClock, FakeContext, RecordingChannel
from support.http_peer import HttpPeer, raw, reply, silent
from support.records import record
from support.smtp import HANG, scripted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from streamagents.actions import Action
    from support.http_peer import Asked, Writer
    from support.postgres import Postgres

MARKER = "s3cr3t-marker"
KEY = base64.b64encode(f"{MARKER}-0123456789".encode()).decode()
SHAPES = (MARKER, KEY, base64.b64encode(f"\0crm\0{MARKER}".encode()).decode())
"""The secret, and how it looks on the wire."""
EFFECT = Effect(id="e-1/act-1", source="streamagents/crm/lead", key="ann")


@dataclass
class Stage:
    """A channel and its peer."""

    channel: Any
    action: Action
    arrived: Callable[[], int]
    """How often the peer did what it was asked to."""

    @property
    def idempotent(self) -> bool:
        return bool(getattr(self.channel, "idempotent", False))


@asynccontextmanager
async def slack(_: Path, peer: HttpPeer) -> AsyncIterator[Stage]:
    peer.on("/hook", reply(200, b"ok"))
    channel = SlackChannel(peer.url("/hook"), http=Http(private=[peer.host]), deadline_s=2)
    yield Stage(channel, SlackMessage(text="hello"), lambda: len(peer.requests))


@asynccontextmanager
async def http(_: Path, peer: HttpPeer) -> AsyncIterator[Stage]:
    peer.on("/in", reply(202))
    channel = HttpChannel(
        allow_hosts=[peer.host], secrets=[KEY], http=Http(private=[peer.host]), deadline_s=2
    )
    # As a receiver counts that heeds the key, as Standard Webhooks ask of it.
    yield Stage(
        channel,
        HttpPost(url=peer.url("/in"), body={"a": 1}),
        lambda: len({asked.headers["webhook-id"] for asked in peer.requests}),
    )


@asynccontextmanager
async def email(_: Path, peer: HttpPeer) -> AsyncIterator[Stage]:
    async with scripted() as server:
        yield Stage(
            mailer(server.port),
            Email(to=["ann@example.com"], subject="s", text="t"),
            lambda: len(server.messages),
        )


@asynccontextmanager
async def database(folder: Path, peer: HttpPeer) -> AsyncIterator[Stage]:
    def arrived() -> int:
        with sqlite3.connect(folder / "records.db") as file:
            (found,) = file.execute("select count(*) from streamagents_effects").fetchone()
        file.close()
        return int(found)

    yield Stage(
        DatabaseChannel(folder / "records.db", tables=["leads"]),
        RecordUpsert(table="leads", key="ann", values={"score": 7}),
        arrived,
    )


@asynccontextmanager
async def recording(_: Path, peer: HttpPeer) -> AsyncIterator[Stage]:
    channel = RecordingChannel()
    yield Stage(channel, channel.action(text="t"), lambda: channel.delivered[EFFECT.id])


@asynccontextmanager
async def knowing(_: Path, peer: HttpPeer) -> AsyncIterator[Stage]:
    channel = RecordingChannel(idempotent=True)
    yield Stage(channel, channel.action(text="t"), lambda: channel.delivered[EFFECT.id])


def mailer(port: int, **options: Any) -> EmailChannel:
    return EmailChannel(
        "127.0.0.1",
        port,
        **{
            "sender": "crm@shop.example",
            "tls": "none",
            "allow_recipients": ["*"],
            "deadline_s": 2.0,
            **options,
        },
    )


STAGES: list[Callable[[Path, HttpPeer], AbstractAsyncContextManager[Stage]]] = [
    *(slack, http, email, database),
    *(recording, knowing),
]


@pytest.fixture
async def peer() -> AsyncIterator[HttpPeer]:
    async with HttpPeer() as running:
        yield running


@pytest.fixture(params=STAGES, ids=lambda stage: stage.__name__)
async def stage(
    request: pytest.FixtureRequest, tmp_path: Path, peer: HttpPeer
) -> AsyncIterator[Stage]:
    async with request.param(tmp_path, peer) as made:
        yield made
        await close_channels(build_channels([made.channel]))


async def deliver(stage: Stage, *, attempt: int = 1, interrupted: bool = False) -> None:
    """As a worker does: from the bytes of the record."""
    ctx = FakeContext(
        event_id=EFFECT.id,
        source=EFFECT.source,
        key=EFFECT.key,
        attempt=attempt,
        interrupted=interrupted,
    )
    data = (
        type(stage.action).model_validate_json(stage.action.action_json()).model_dump(mode="json")
    )
    await Deliverer(Delivery(stage.channel), FakeClock()).run(data, ctx)


async def test_an_effect_is_delivered_once(stage: Stage) -> None:
    await deliver(stage)

    assert stage.arrived() == 1


async def test_an_effect_that_was_cut_off_is_repeated_once_where_the_channel_says_so(
    stage: Stage,
) -> None:
    await deliver(stage)
    await deliver(stage, attempt=2, interrupted=True)

    assert stage.arrived() == (1 if stage.idempotent else 2)


async def test_two_effects_are_two(stage: Stage) -> None:
    await stage.channel.send(stage.action, Effect(id="e-1/a"))
    await stage.channel.send(stage.action, Effect(id="e-1/b"))

    assert stage.arrived() == (0 if isinstance(stage.channel, RecordingChannel) else 2)


async def test_a_channel_that_was_closed_begins_anew(stage: Stage) -> None:
    await deliver(stage)
    await close_channels(build_channels([stage.channel]))
    await stage.channel.send(stage.action, Effect(id="e-2/a"))

    assert stage.arrived() == (1 if isinstance(stage.channel, RecordingChannel) else 2)


async def test_many_at_once_get_through(stage: Stage) -> None:
    effects = [Effect(id=f"e-{number}/a") for number in range(20)]

    await asyncio.gather(*(stage.channel.send(stage.action, effect) for effect in effects))

    assert stage.arrived() == (0 if isinstance(stage.channel, RecordingChannel) else 20)


def test_all_of_them_are_channels_of_one_application(tmp_path: Path) -> None:
    built = build_channels(
        [
            SlackChannel("https://hooks.slack.example/x"),
            HttpChannel(),
            EmailChannel("mx.example", sender="crm@shop.example"),
            DatabaseChannel(tmp_path / "records.db"),
            RecordingChannel(),
        ]
    )

    assert list(built) == ["slack", "http", "email", "database", "recording", "log"]
    assert {name for name, one in built.items() if getattr(one.channel, "idempotent", False)} == {
        "http",
        "database",
    }


async def test_the_log_takes_everything() -> None:
    await deliver(Stage(LogChannel(), LogLine(text="t"), int))


# -- secrets -------------------------------------------------------------------------------------


def told(error: Exception, channel: Any) -> str:
    """All that is told of a failed delivery: its traceback, and the letter that it becomes."""
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(channel.__dict__)
    route = route_of(Delivery(channel), FakeClock())
    why = after_failure(error, 99, route, lambda *_: 0.0, waited_s=1e9)
    assert isinstance(why, DeadLetter)
    facts = LetterFacts(
        origin=Position("streamagents.actions", 0, 1),
        key=b"ann",
        agent=channel.name,
        agent_version="1",
        group="crm",
        attempts=3,
        failed_at=datetime(2026, 1, 1, tzinfo=UTC),
        replay_count=0,
    )
    return shown + repr(letter("streamagents.actions.dlq", record(b"{}"), why, facts))


async def fails(channel: Any, action: Action, caplog: pytest.LogCaptureFixture) -> None:
    """Deliver it, which fails; the secret is nowhere."""
    caplog.set_level(logging.DEBUG)
    with capture_logs() as logs:
        try:
            await channel.send(action, EFFECT)
        except Exception as exc:  # noqa: BLE001 - each channel's errors are its own
            shown = told(exc, channel)
        else:
            pytest.fail("the peer misbehaved, and nobody noticed")
        await channel.close() if hasattr(channel, "close") else None
    everything = shown + caplog.text + repr(logs)
    assert [shape for shape in SHAPES if shape in everything] == []


async def echo(asked: Asked, writer: Writer) -> None:
    """Says everything that it was told, wherever an answer has room for it."""
    said = " ".join([asked.path, *asked.headers.values()])
    body = said.encode()
    status = {"/4": "400", "/2": "200", "/3": "302", "/5": "500", "/9": "429"}[asked.path[:2]]
    writer.write(
        f"HTTP/1.1 {status} {said}\r\nLocation: https://evil.example/{asked.path}\r\n"
        f"Retry-After: {said}\r\nX-Said: {said}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )


@pytest.mark.parametrize("status", ["4", "2", "3", "5", "9", "garbage", "silence", "nobody"])
async def test_a_webhook_is_never_shown(
    peer: HttpPeer, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = f"/{status}/{MARKER}"
    peer.on(path, raw(b"\x00garbage\r\n") if status == "garbage" else echo)
    if status == "silence":
        peer.on(path, silent())
    host = f"127.0.0.1:{9 if status == 'nobody' else peer.port}"
    url = f"http://{host}{path}?token={MARKER}"

    channel = SlackChannel({"*": url}, http=Http(private=[host]), deadline_s=0.5)
    await fails(channel, SlackMessage(text="t"), caplog)


@pytest.mark.parametrize("status", ["4", "3", "5", "9", "garbage", "silence", "nobody"])
async def test_a_token_and_a_signing_secret_are_never_shown(
    peer: HttpPeer, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = f"/{status}"
    peer.on(path, raw(b"\x00garbage\r\n") if status == "garbage" else echo)
    if status == "silence":
        peer.on(path, silent())
    host = f"127.0.0.1:{9 if status == 'nobody' else peer.port}"

    channel = HttpChannel(
        allow_hosts=[host],
        secrets=[KEY],
        bearer=MARKER,
        http=Http(private=[host]),
        deadline_s=0.5,
    )
    await fails(channel, HttpPost(url=f"http://{host}{path}", body=1), caplog)


@pytest.mark.parametrize("verb", ["AUTH", "MAIL", "RCPT", "DATA", "END"])
@pytest.mark.parametrize("code", ["550", "450", "999", "xyz"])
async def test_a_mail_servers_password_is_never_shown(
    verb: str, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    echoed = f"{code} you said {' '.join(SHAPES)}"
    async with scripted(None, **{verb: echoed}) as server:
        channel = mailer(server.port, user="crm", password=MARKER)
        await fails(channel, Email(to=["ann@example.com"], subject="s", text="t"), caplog)


async def test_a_mail_server_that_falls_silent_shows_no_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with scripted(AUTH=HANG) as server:
        channel = mailer(server.port, user="crm", password=MARKER, deadline_s=0.3)
        await fails(channel, Email(to=["ann@example.com"], subject="s", text="t"), caplog)


@pytest.mark.parametrize("what", ["password", "nobody", "garbage", "name"])
async def test_a_databases_password_is_never_shown(
    what: str, postgres: Postgres, peer: HttpPeer, caplog: pytest.LogCaptureFixture
) -> None:
    port = {"nobody": 9, "garbage": peer.port}.get(what, postgres.port)
    password = MARKER if what != "name" else postgres.password
    name = "postgres" if what != "name" else MARKER
    channel = DatabaseChannel(
        f"postgresql://crm:{password}@127.0.0.1:{port}/{name}", tables=["leads"], deadline_s=2
    )
    await fails(channel, RecordUpsert(table="leads", key="ann", values={}), caplog)


async def test_a_rejected_effect_names_no_recipient() -> None:
    channel = mailer(9, allow_recipients=[])
    address = "ann@example.com"
    action = Email(to=[address], subject="s", text="t")
    with pytest.raises(Reject) as caught:
        await channel.send(action, EFFECT)

    assert address not in told(caught.value, channel)
