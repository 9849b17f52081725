"""The world of a run: sites, a gateway and a folder on this machine, and what happens to them."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Protocol, Self

import aiohttp

from streamagents.devkit.demo.sites import LocalSite
from streamagents.devkit.sockets import listening
from streamagents.errors import DevkitError, describe
from streamagents.runtime.hosting import hosted_folders, hosted_gateway

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from types import TracebackType

    from streamagents.devkit.demo.sites import Page
    from streamagents.ports import Trigger
    from streamagents.runtime.app import StreamApp
    from streamagents.settings import Settings

_LOOK_S = 0.1
_ANSWER_S = 15.0
"""Longer than the gateway waits for Kafka."""


class Ear(Protocol):
    """One way in which events come in."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def source(self) -> str:
        """The `ce_source` of its events."""

    @property
    def type(self) -> str:
        """The type of its events."""

    @property
    def events(self) -> int:
        """How many it is to bring."""

    @property
    def id(self) -> str | None:
        """The only id of its events that is ours; None if all of its source are."""


class Post(Protocol):
    """One request to the gateway."""

    @property
    def path(self) -> str:
        """Where to."""

    @property
    def headers(self) -> Mapping[str, str]:
        """With what."""

    @property
    def body(self) -> bytes:
        """What."""

    @property
    def status(self) -> int:
        """What it is to be answered with."""


class Happenings(Protocol):
    """What happens during one run, and what listens to it."""

    @property
    def ears(self) -> Sequence[Ear]:
        """The ways in."""

    @property
    def triggers(self) -> Sequence[Trigger]:
        """What listens."""

    @property
    def hooks(self) -> Mapping[str, Any]:
        """Of the gateway, as in the settings."""

    @property
    def sites(self) -> Mapping[str, Mapping[str, Page]]:
        """By name, by path."""

    @property
    def posts(self) -> Sequence[Post]:
        """What is sent to the gateway."""

    @property
    def files(self) -> Mapping[str, bytes]:
        """What is dropped into the folder."""


class World:
    """Everything of a run that is not Kafka. It has its addresses from the start.

    Args:
        settings: of the person who looks on.
        run_id: names the run.
        sites: names of the sites.
        tell: what happens, by the run's id, the sites' URLs and the folder.
    """

    def __init__(
        self,
        settings: Settings,
        run_id: str,
        sites: Sequence[str],
        tell: Callable[[str, Mapping[str, str], Path], Happenings],
    ) -> None:
        self.run_id = run_id
        self.folder = Path(mkdtemp(prefix="streamagents-demo-"))
        self._sites = {name: LocalSite() for name in sites}
        self._gateway: socket.socket = listening(settings.gateway_port)
        host, port = self._gateway.getsockname()[:2]
        self.gateway = f"http://{host}:{port}"
        self._settings = settings
        urls = {name: site.url for name, site in self._sites.items()}
        self.happenings = tell(run_id, urls, self.folder)
        for name, site in self._sites.items():
            site.pages = self.happenings.sites[name]
        self.refused: list[int] = []
        """How the gateway answered what it did not take."""

    def settings(self) -> Settings:
        """The settings of an application that hears this world."""
        settings = self._settings
        hosts = (site.address for site in self._sites.values())
        changes: dict[str, Any] = {
            "allow_private_hosts": (*settings.allow_private_hosts, *hosts),
            "hooks": {**settings.hooks, **self.happenings.hooks},
            "web_port": _free(settings.web_port),
        }
        return settings.model_copy(update=changes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Give the addresses and the folder back."""
        self._gateway.close()
        for site in self._sites.values():
            site.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @asynccontextmanager
    async def heard_by(self, app: StreamApp) -> AsyncIterator[None]:
        """Sites, gateway and folder work for an application, from entry to exit."""
        async with AsyncExitStack() as stack:
            for site in self._sites.values():
                await stack.enter_async_context(site)
            await stack.enter_async_context(hosted_gateway(app, self._gateway))
            await stack.enter_async_context(hosted_folders(app))
            yield

    async def happen(self) -> None:
        """Drop the files, post the webhooks. What is on the sites is found by itself.

        Raises:
            DevkitError: the gateway does not answer.
        """
        for name, content in self.happenings.files.items():
            (self.folder / name).write_bytes(content)
        timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
        try:
            async with aiohttp.ClientSession(self.gateway, timeout=timeout) as session:
                await _until_ready(session)
                for post in self.happenings.posts:
                    status = await _post(session, post)
                    if status != HTTPStatus.ACCEPTED:
                        self.refused.append(status)
        except (aiohttp.ClientError, TimeoutError) as exc:
            raise DevkitError(f"The demo's gateway does not answer: {describe(exc)}.") from exc


def _free(wanted: int | str) -> int | str:
    """The port, or any other one if somebody has it: two demos may run side by side."""
    if isinstance(wanted, str):
        return wanted
    with listening(wanted) as probe:
        return wanted if probe.getsockname()[1] == wanted else 0


async def _until_ready(session: aiohttp.ClientSession) -> None:
    """Wait until the gateway has found the broker; the demo's own end bounds it."""
    while True:
        async with session.get("/ready") as answer:
            if answer.status == HTTPStatus.OK:
                return
        await asyncio.sleep(_LOOK_S)


async def _post(session: aiohttp.ClientSession, post: Post) -> int:
    async with session.post(post.path, data=post.body, headers=dict(post.headers)) as answer:
        return answer.status
