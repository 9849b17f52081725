"""A gateway for tests: a small application, a bus in memory, requests without a socket."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import EmailStr, field_validator

from streamagents import Event
from streamagents.agents import build_registry
from streamagents.testing import FakeClock, MemoryBus
from streamagents.topics import Layout
from streamagents.triggers.gateway.access import Tokens
from streamagents.triggers.gateway.app import Front, build_front
from streamagents.triggers.gateway.keeper import Keeper
from streamagents.triggers.gateway.records import Desk
from streamagents.triggers.gateway.service import Limits, Service
from streamagents.triggers.gateway.sources import build_sources
from streamagents.triggers.hooks.config import HookConfig
from support.records import Anything

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from starlette.types import ASGIApp, Message

    from streamagents.ports import Bus, Trigger
    from streamagents.testing import MemoryRecord

LOCAL = ("127.0.0.1", 50000)
JSON = ("content-type", "application/json")
INBOX = Layout().inbox().name


class Lead(Event, topic="lead", key="email"):
    """An event with a key, and no id."""

    email: EmailStr
    company: str | None = None


class Paid(Event, topic="paid", key="customer"):
    """An event with an id of its own."""

    id: str | None = None
    customer: str
    amount_minor: int | None = None


class Cursed(Event, topic="cursed"):
    """A model whose own validator is broken."""

    text: str

    @field_validator("text")
    @classmethod
    def _fails(cls, value: str) -> str:
        raise KeyError(value)


class Takes:
    """An agent of raw data."""

    async def run(self, event: dict[str, Any]) -> None: ...


class TakesLead:
    """An agent of a model."""

    async def run(self, event: Lead) -> None: ...


@dataclass
class Answer:
    """What the gateway answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Told:
    """The port `Requests`, as a list."""

    answers: list[tuple[str, int]] = field(default_factory=list)

    def answered(self, source: str, status: int, seconds: float) -> None:
        self.answers.append((source, status))


class TestGateway:
    """A gateway of `lead`, `raw` and `paid`; what it wrote is in `written`."""

    __test__ = False

    def __init__(
        self,
        *,
        tokens: Sequence[str] = (),
        hooks: Mapping[str, Mapping[str, Any]] | None = None,
        triggers: Iterable[Trigger] = (),
        limits: Limits | None = None,
        wait_s: float = 10.0,
        bus: Bus | None = None,
        ours: Iterable[type[Event]] = (),
    ) -> None:
        self.clock = FakeClock()
        names = ("lead", "raw", "paid", INBOX)
        self.bus = MemoryBus(dict.fromkeys(names, 4), clock=self.clock)
        self.told = Told()
        limits = limits or Limits()
        registry = build_registry(
            {"lead": TakesLead(), "raw": Takes()}, fallback=Anything(), emits=[Paid, Cursed]
        )
        events = {model.event_type.topic: model for model in ours}
        registry = replace(registry, events={**registry.events, **events})
        self.keeper = Keeper(bus or self.bus, wait_s=wait_s, most=limits.in_flight)
        self.service = Service(
            desk=Desk(registry=registry, layout=Layout()),
            keeper=self.keeper,
            tokens=Tokens(tokens),
            sources=build_sources(
                {name: HookConfig(**given) for name, given in (hooks or {}).items()},
                triggers,
                registry,
            ),
            limits=limits,
            clock=self.clock,
        )
        self.app = build_front(
            Front(
                self.service,
                registry=registry,
                is_ready=lambda: self.bus.available,
                clock=self.clock,
                requests=self.told,
            ),
            metrics=lambda: b"streamagents_up 1\n",
        )

    @property
    def now(self) -> int:
        """Seconds since the epoch."""
        return int(self.clock.now().timestamp())

    def written(self, topic: str) -> list[MemoryRecord]:
        return self.bus.records(topic)

    async def post(
        self,
        path: str,
        body: Any = b"",
        *headers: tuple[str, str],
        peer: tuple[str, int] = LOCAL,
        host: str = "localhost:8080",
    ) -> Answer:
        """Post bytes, or whatever JSON can write; JSON unless the headers say otherwise."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        if not any(name == "content-type" for name, _ in headers):
            headers = (*headers, JSON)
        return await call(self.app, "POST", path, raw, (("host", host), *headers), peer=peer)

    async def get(self, path: str) -> Answer:
        return await call(self.app, "GET", path, b"", (("host", "localhost"),))


async def call(
    app: ASGIApp,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Iterable[tuple[str, str]] = (),
    *,
    peer: tuple[str, int] = LOCAL,
    chunks: Iterable[bytes] | None = None,
) -> Answer:
    """One request to an ASGI application; `chunks` is a body that comes piece by piece."""
    pieces = list(chunks) if chunks is not None else [body]
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": query.encode("latin-1", errors="replace"),
        "root_path": "",
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
        ],
        "client": peer,
        "server": ("127.0.0.1", 8080),
    }
    sent: list[Message] = []

    async def receive() -> Message:
        if not pieces:
            await asyncio.Event().wait()  # a sender that is silent, for ever
        piece = pieces.pop(0)
        more = bool(pieces) or chunks is not None
        return {"type": "http.request", "body": piece, "more_body": more}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *rest = sent
    return Answer(
        start["status"],
        {name.decode(): value.decode() for name, value in start["headers"]},
        b"".join(message.get("body", b"") for message in rest),
    )
