"""The application: paths, and around each request what all of them have in common."""

from __future__ import annotations

import asyncio
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from streamagents.triggers.gateway.answers import RefusedError, answer, refusal
from streamagents.triggers.gateway.bodies import Body
from streamagents.triggers.gateway.openapi import describe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from streamagents.agents import Registry
    from streamagents.ports import Clock, Requests
    from streamagents.triggers.gateway.service import Service

    Work = Callable[[Request, Body], Awaitable[Response]]

log = structlog.stdlib.get_logger("streamagents.gateway")

EVENTS = "events"
"""What the requests to `/events` are counted as."""
UNKNOWN = "unknown"
"""A hook that nobody configured: its name would be anybody's text."""
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
_ALL_S = 60.0
"""No request takes longer, whatever it waits for."""


class Front:
    """Answers each request once, tells and logs it."""

    def __init__(
        self,
        service: Service,
        *,
        registry: Registry,
        is_ready: Callable[[], bool],
        clock: Clock,
        requests: Requests,
    ) -> None:
        self._service, self._is_ready = service, is_ready
        self._clock, self._requests = clock, requests
        self._described = describe(registry, service.limits)

    async def events(self, request: Request) -> Response:
        """`POST /events`, `POST /events/{type}`."""
        return await self._answered(request, EVENTS, self._service.events)

    async def hooks(self, request: Request) -> Response:
        """`POST /hooks/{source}`."""
        source = request.path_params["source"]
        name = source if self._service.knows(source) else UNKNOWN
        return await self._answered(request, name, self._service.delivery)

    async def openapi(self, _request: Request) -> Response:
        """What can be posted, in OpenAPI 3.1."""
        return answer(200, self._described)

    async def live(self, _request: Request) -> Response:
        """Whether the process turns."""
        return answer(200, {"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """Whether events would be kept."""
        return self._state(503)

    async def health(self, _request: Request) -> Response:
        """The state in JSON; 200 also while the broker is away."""
        return self._state(200)

    def _state(self, otherwise: int) -> Response:
        if self._is_ready():
            return answer(200, {"status": "ok", "reason": ""})
        return answer(otherwise, {"status": "waiting", "reason": "The Kafka broker is away."})

    async def _answered(self, request: Request, source: str, work: Work) -> Response:
        began = self._clock.monotonic()
        body = Body(request)
        try:
            async with asyncio.timeout(_ALL_S):
                response = await work(request, body)
        except RefusedError as refused:
            response = refusal(refused)
        except Exception as exc:  # noqa: BLE001 - a fault of ours, or of a model's own validator
            # Neither its message nor its traceback: they may show what was sent.
            fault, at = type(exc).__name__, _place(exc)
            log.error("request_failed", source=source, fault=fault, at=at)  # noqa: TRY400
            response = answer(500, {"error": "Something went wrong here; the log says what."})
        seconds = self._clock.monotonic() - began
        self._requests.answered(source, response.status_code, seconds)
        log.info("answered", status=response.status_code, source=source, seconds=round(seconds, 4))
        await body.skip_rest()
        if not body.has_ended:
            response.headers["connection"] = "close"
        return response


def _place(exc: BaseException) -> str:
    """The line that raised."""
    frames = traceback.extract_tb(exc.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def build_front(front: Front, *, metrics: Callable[[], bytes] | None = None) -> Starlette:
    """The ASGI application.

    Args:
        front: what answers.
        metrics: Prometheus' text, to be read at `/metrics`.
    """
    routes: list[Any] = [
        Route("/events", front.events, methods=["POST"]),
        Route("/events/{type}", front.events, methods=["POST"]),
        Route("/hooks/{source}", front.hooks, methods=["POST"]),
        Route("/openapi.json", front.openapi),
        Route("/live", front.live),
        Route("/ready", front.ready),
        Route("/health", front.health),
    ]
    if metrics is not None:

        async def exposition(_request: Request) -> Response:
            return Response(metrics(), headers={"content-type": _PROMETHEUS})

        routes.append(Route("/metrics", exposition))
    app = Starlette(routes=routes, exception_handlers={HTTPException: _told})
    app.router.redirect_slashes = False
    return app


async def _told(_request: Request, exc: Exception) -> Response:
    """What the router refuses: an unknown path, a method that it has not."""
    assert isinstance(exc, HTTPException)  # noqa: S101 - it is registered for these
    words = {404: "There is nothing at this path.", 405: "This path takes another method."}
    return answer(
        exc.status_code,
        {"error": words.get(exc.status_code, "This is not taken.")},
        {"connection": "close", **(exc.headers or {})},
    )
