"""`Visit`: what a monitor looks with, once: requests, what it has kept, and the moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from streamagents.errors import BrokenAnswerError, PollError
from streamagents.monitors.item import digest
from streamagents.monitors.web import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamagents.monitors.web import Web
    from streamagents.net import Reply

T = TypeVar("T")

DEADLINE_S = 20.0
"""For one request, with its redirects."""
MAX_BYTES = 4 << 20
"""Of one answer. What reads it takes up to a second for so much of the worst."""
_UNCONDITIONAL = timedelta(days=1)
"""Some servers say for ever that nothing has changed: once a day they are asked for all of it."""
_MAX_VALIDATOR = 500
_OK = range(200, 300)
_UNCHANGED = 304


class NothingNew(Exception):  # noqa: N818 - a signal, as RetryLater is
    """Raised by `visit.get`: the server says that nothing has changed. The poll ends well."""


class Validators(BaseModel):
    """What a server gave, to be asked with the next time."""

    etag: str | None = None
    modified: str | None = None
    at: datetime
    """When all of it was read."""


class Visit:
    """One look of one monitor.

    Args:
        web: asks.
        now: the moment.
        slot: the tick's moment; the same when the poll is repeated.
        memory: what the monitor keeps from look to look, JSON; it may change it.
        validators: by digest of the URL, of earlier looks.
    """

    def __init__(
        self,
        web: Web,
        *,
        now: datetime,
        slot: datetime,
        memory: dict[str, Any] | None = None,
        validators: dict[str, Validators] | None = None,
    ) -> None:
        self.web, self.now, self.slot = web, now, slot
        self.memory: dict[str, Any] = {} if memory is None else memory
        self.validators: dict[str, Validators] = {}
        """Of this look."""
        self._before = validators or {}

    async def get(
        self,
        url: str,
        *,
        headers: Iterable[tuple[str, str]] = (),
        robots: bool = False,
        deadline_s: float = DEADLINE_S,
        max_bytes: int = MAX_BYTES,
    ) -> Reply:
        """Get a page if it has changed: `reply = await visit.get(self.url)`.

        Args:
            url: http or https, at a public address.
            headers: sent along.
            robots: ask robots.txt first. Feeds and interfaces are there to be polled, pages not.
            deadline_s: seconds, with redirects.
            max_bytes: of the body, unpacked.

        Raises:
            NothingNew: the server says so; let it pass.
            PollError: there is no such page, or not for us, or not now.
            HttpError: there is no usable answer.
        """
        if robots:
            await self.web.obey(url)
        key = digest(url)
        known = self._before.get(key)
        fresh = known is not None and self.now - known.at < _UNCONDITIONAL
        asked = _conditions(known) if known is not None and fresh else []
        ask = partial(self.web.ask, "GET", url, deadline_s=deadline_s, max_bytes=max_bytes)
        plain, is_broken = list(headers), False
        try:
            reply = await ask(headers=[*plain, *asked])
        except BrokenAnswerError:
            if not asked:
                raise
            # Some send a body with a 304, which has none. They are asked for all of it.
            reply, asked, is_broken = await ask(headers=plain), [], True
        if reply.status == _UNCHANGED and asked:
            if known is not None:
                self.validators[key] = known
            raise NothingNew
        if reply.status not in _OK:
            raise PollError(f"{shown(reply.url)} answers with {reply.status}.")
        if not is_broken:
            self._keep(key, reply)
        return reply

    async def read(self, function: Callable[..., T], *args: Any) -> T:
        """Read an answer in a thread, so that nothing else waits: `visit.read(parse, reply)`."""
        return await self.web.read(function, *args)

    def _keep(self, key: str, reply: Reply) -> None:
        etag, modified = (_validator(reply, name) for name in ("ETag", "Last-Modified"))
        if etag or modified:
            self.validators[key] = Validators(etag=etag, modified=modified, at=self.now)


def _validator(reply: Reply, name: str) -> str | None:
    """What can be sent back as it came, or nothing."""
    text = reply.headers.get(name, "")
    sendable = text.isprintable() and text.isascii() and len(text) <= _MAX_VALIDATOR
    return text if text and sendable else None


def _conditions(known: Validators) -> list[tuple[str, str]]:
    return [
        (name, value)
        for name, value in (("If-None-Match", known.etag), ("If-Modified-Since", known.modified))
        if value
    ]
