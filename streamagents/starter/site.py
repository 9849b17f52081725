"""The company's site, read for a lead: what a company says of itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel
from yarl import URL

from streamagents.errors import ConfigurationError, HttpError, describe
from streamagents.llm.tools.fetch import FetchPage
from streamagents.net import Http
from streamagents.starter.domains import DISPOSABLE_MAIL, FREE_MAIL, is_reserved
from streamagents.starter.reading import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamagents.starter.events import NewLead

PROFILE_CHARS = 4_000
"""So much of a page goes to the model and into the step."""


class Page(Protocol):
    """A page as text."""

    @property
    def url(self) -> str:
        """Where it was found in the end."""

    @property
    def title(self) -> str:
        """Its title."""

    @property
    def text(self) -> str:
        """What a reader sees."""


DEADLINE_S = 8.0
"""For a page: a lead does not wait longer for somebody's slow site."""

Fetch = Callable[[str], Awaitable[Page]]


class Profile(BaseModel):
    """What was found; without a text `note` says why."""

    url: str = ""
    title: str = ""
    text: str = ""
    note: str = ""


class Site:
    """Reads sites, where it has been given something to fetch them with."""

    def __init__(self, fetch: Fetch | None = None) -> None:
        self._fetch = fetch

    async def profile(self, url: str | None) -> Profile:
        """Read a page. A site that cannot be read is no fault of the lead's: it is noted."""
        if url is None:
            return Profile(note="The lead names no site of a company.")
        if self._fetch is None:
            return Profile(url=url, note="Sites are not read here.")
        try:
            page = await self._fetch(url)
        except (HttpError, ConfigurationError, OSError, ValueError) as exc:
            return Profile(url=url, note=one_line(describe(exc), 200))
        return Profile(
            url=page.url, title=one_line(page.title, 200), text=page.text[:PROFILE_CHARS]
        )


def page_fetcher(*, private: Iterable[str] = ()) -> Fetch:
    """Fetches from public addresses, and from these; a site's redirects stay on the site."""
    opened = tuple(private)

    async def fetch(url: str) -> Page:
        host = URL(url).raw_host or ""
        hosts = [host] if host[-1:].isdigit() else [host, f"*.{host}"]
        async with Http(private=opened) as http:
            return await FetchPage(http, hosts, deadline_s=DEADLINE_S).fetch_page(url)

    return fetch


def site_of(lead: NewLead) -> str | None:
    """Where a lead's company has its site: as it says, else the domain of a company's address."""
    if lead.website:
        written = one_line(lead.website, 500)
        return written if "://" in written else f"https://{written}"
    domain = lead.email.rpartition("@")[2].lower()
    nobodys = domain in FREE_MAIL or domain in DISPOSABLE_MAIL or is_reserved(domain)
    return None if nobodys else f"https://{domain}/"
