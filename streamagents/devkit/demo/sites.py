"""Local sites: pages on this machine that have news for whoever looks a second time."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol, Self

from aiohttp import web

from streamagents.devkit.sockets import listening

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType


class Page(Protocol):
    """What stands under one path."""

    @property
    def type(self) -> str:
        """Its content type."""

    @property
    def before(self) -> str:
        """Its text."""

    @property
    def after(self) -> str | None:
        """Its text once there is news; None is no change."""


class LocalSite:
    """A site. It has its address from the start, and answers from entry to exit."""

    def __init__(self) -> None:
        self._listener = listening()
        host, port = self._listener.getsockname()[:2]
        self.address = f"{host}:{port}"
        self.url = f"http://{self.address}"
        self.pages: Mapping[str, Page] = {}
        self._runner: web.ServerRunner | None = None
        self._seen: set[str] = set()

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._answer))
        await self._runner.setup()
        await web.SockSite(self._runner, self._listener).start()
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def close(self) -> None:
        """Give the address back, also when nobody entered."""
        self._listener.close()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        page = self.pages.get(request.path)
        if page is None:
            return web.Response(status=404, text="There is no such page.")
        # Whoever looks for the first time takes it as it is: news is what has changed since.
        text = page.after if page.after and request.path in self._seen else page.before
        if request.method == "GET":
            self._seen.add(request.path)
        tag = f'"{blake2b(text.encode(), digest_size=8).hexdigest()}"'
        headers = {"etag": tag}
        if request.headers.get("if-none-match") == tag:
            return web.Response(status=304, headers=headers)
        return web.Response(text=text, content_type=page.type, headers=headers)
