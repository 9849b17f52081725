"""The gateway, put together: settings and an application's events behind an HTTP server."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING

import structlog

from streamagents.bus import LastingBus
from streamagents.errors import ConfigurationError
from streamagents.ops.metrics import GatewayMetrics
from streamagents.runtime.app import load_app
from streamagents.runtime.clock import SystemClock
from streamagents.runtime.serving import log_as_set, supervised
from streamagents.triggers.gateway.access import Tokens, is_loopback
from streamagents.triggers.gateway.app import EVENTS, UNKNOWN, Front, build_front
from streamagents.triggers.gateway.keeper import Keeper
from streamagents.triggers.gateway.records import Desk
from streamagents.triggers.gateway.server import GatewayServer
from streamagents.triggers.gateway.service import Limits, Service
from streamagents.triggers.gateway.sources import build_sources

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.applications import Starlette

    from streamagents.ops.view import Phase
    from streamagents.runtime.app import StreamApp
    from streamagents.settings import Settings

log = structlog.stdlib.get_logger("streamagents.gateway")

DELIVERY_S = 10.0
"""What Kafka gets for an acknowledgement, before the answer is 503."""


def build_gateway(
    app: StreamApp,
    keeper: Keeper,
    is_ready: Callable[[], bool],
) -> Starlette:
    """The ASGI application of an application's events and hooks.

    Args:
        app: the application.
        keeper: writes its events.
        is_ready: whether the broker is there.

    Raises:
        ConfigurationError: tokens, hooks and settings do not go together.
    """
    clock, settings = SystemClock(), app.settings
    service = Service(
        desk=Desk(registry=app.registry, layout=app.layout),
        keeper=keeper,
        tokens=_tokens(settings),
        sources=build_sources(settings.hooks, app.triggers, app.registry),
        limits=Limits(
            max_bytes=settings.gateway_max_bytes,
            in_flight=settings.gateway_in_flight,
            rate=settings.gateway_rate,
        ),
        clock=clock,
    )
    metrics = GatewayMetrics((EVENTS, *settings.hooks, UNKNOWN))
    front = Front(
        service,
        registry=app.registry,
        is_ready=is_ready,
        clock=clock,
        requests=metrics.requests,
    )
    return build_front(front, metrics=metrics.exposition)


def run(module: str) -> None:
    """Serve until a signal.

    Args:
        module: the application's module, as for `faust -A`.

    Raises:
        ConfigurationError: there is no such application, its settings do not work, or the port is
            taken.
    """
    app = load_app(module)
    log_as_set(app.settings)
    # It warns of every line that is no HTTP: anybody could fill the disk with them.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serve(app))


async def serve(app: StreamApp) -> None:
    """Serve until a signal. What was taken is answered first.

    Raises:
        ConfigurationError: the settings do not work, or the port is taken.
    """
    settings = app.settings
    bus = LastingBus(settings.bootstrap, timeout_s=DELIVERY_S)
    keeper = Keeper(bus, wait_s=DELIVERY_S, most=settings.gateway_in_flight)
    front = build_gateway(app, keeper, lambda: bus.is_reachable)
    with listening(settings.bind, settings.gateway_port) as listener:
        log.info(
            "gateway_serves",
            address=f"{settings.bind}:{settings.gateway_port}",
            hooks=sorted(settings.hooks),
            token=bool(settings.gateway_token),
        )
        server = GatewayServer(front)
        async with supervised(lambda: _state(server, bus)), bus:
            try:
                await server.serve(sockets=[listener])
            finally:
                await keeper.close()
    log.info("gateway_ended")


def _state(server: GatewayServer, bus: LastingBus) -> tuple[Phase, str]:
    if server.should_exit:
        return "stopping", "what was taken is answered"
    words = "ok" if bus.is_reachable else "no Kafka broker answers: who sends gets 503"
    return ("running" if server.started else "starting"), words


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        ConfigurationError: it cannot.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as exc:
        raise ConfigurationError(
            f"The gateway cannot listen on {host}:{port}: {exc.strerror}. Name another port with "
            "STREAMAGENTS_GATEWAY_PORT, or address with STREAMAGENTS_BIND."
        ) from exc


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - not to be had on Windows
    except ModuleNotFoundError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _tokens(settings: Settings) -> Tokens:
    tokens = Tokens(token.get_secret_value() for token in settings.gateway_token)
    if not tokens and not is_loopback(settings.bind):
        raise ConfigurationError(
            f"The gateway is to listen on {settings.bind}, where others can reach it: set "
            "STREAMAGENTS_GATEWAY_TOKEN."
        )
    return tokens
