"""The pages of the demo's sites, before and after there is news."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What stands under one path."""

    type: str
    before: str
    after: str | None = None
    """From the second look on; None is no change."""


def competitor(run_id: str) -> Mapping[str, Page]:
    """A competitor's blog and prices."""
    old = [("welcome", "We have a blog", "Hello."), ("summer", "Summer release", "Many fixes.")]
    new = [
        ("flow", "Introducing Flow", "A new workflow editor, available today."),
        ("prices", "New prices from January", "All plans get 10 percent cheaper."),
    ]
    return {
        "/feed": Page(
            type="application/atom+xml", before=_feed(run_id, old), after=_feed(run_id, new + old)
        ),
        "/prices": Page(type="text/html", before=_prices(49), after=_prices(44)),
        "/robots.txt": _ROBOTS,
    }


def forum(run_id: str) -> Mapping[str, Page]:
    """A forum whose listing has the shape of Reddit's."""
    old = [_post(run_id, "old", "u/early_bird", "Acme or Betasoft?", "Asking for my team.")]
    new = [
        _post(run_id, "sad", "u/night_shift", "Acme is down again", "Third time, I want a refund."),
        _post(run_id, "glad", "u/garden_gate", "Acme did it", "Great support, works perfectly!"),
    ]
    return {
        "/r/acme/new.json": Page(
            type="application/json", before=_listing(old), after=_listing(new + old)
        ),
        "/robots.txt": _ROBOTS,
    }


def ours(url: str) -> Mapping[str, Page]:
    """Our own site, of which one link leads nowhere."""
    start = '<main><h1>Acme</h1><a href="/pricing">Prices</a> <a href="/guide/old">Guide</a></main>'
    return {
        "/sitemap.xml": Page(type="application/xml", before=_SITEMAP.format(url=url)),
        "/": Page(type="text/html", before=_html("Acme", start)),
        "/pricing": Page(type="text/html", before=_html("Prices", "<main>49 a month</main>")),
        "/robots.txt": _ROBOTS,
    }


def _feed(run_id: str, posts: Sequence[tuple[str, str, str]]) -> str:
    entries = "".join(
        f"<entry><id>urn:betasoft:{run_id}:{name}</id><title>{title}</title>"
        f'<link href="https://betasoft.example/blog/{name}"/><summary>{text}</summary></entry>'
        for name, title, text in posts
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        f"<id>urn:betasoft:{run_id}</id><title>Betasoft</title>{entries}</feed>"
    )


def _prices(monthly: int) -> str:
    main = f"<main><h1>Prices</h1><p>Team</p><p>{monthly} EUR a month</p></main>"
    return _html("Betasoft prices", main)


def _post(run_id: str, name: str, author: str, title: str, text: str) -> dict[str, Any]:
    return {
        "kind": "t3",
        "data": {
            "name": f"t3_{run_id}_{name}",
            "title": title,
            "selftext": text,
            "author": author,
            "subreddit": "acme",
            "permalink": f"/r/acme/comments/{name}/",
        },
    }


def _listing(posts: Sequence[dict[str, Any]]) -> str:
    return json.dumps({"kind": "Listing", "data": {"after": None, "children": posts}})


def _html(title: str, body: str) -> str:
    return f"<!doctype html><title>{title}</title><body>{body}</body>"


_ROBOTS = Page(type="text/plain", before="User-agent: *\nAllow: /\n")
_SITEMAP = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>{url}/</loc></url></urlset>'
)
