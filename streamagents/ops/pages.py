"""Pages: from a request to the bytes of its answer. No sockets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from streamagents.errors import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamagents.ops.health import Verdict

log = structlog.stdlib.get_logger("streamagents.ops")

_WORDS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed"}
_WORDS |= {500: "Internal Server Error", 503: "Service Unavailable"}


@dataclass(frozen=True, slots=True)
class Page:
    """An answer."""

    status: int
    body: bytes
    content_type: str = "application/json"


def verdict_page(verdict: Verdict, *, fine: bool) -> Page:
    """A verdict as an answer of its own."""
    body = json.dumps({"status": verdict.status, "reason": verdict.reason}).encode()
    return Page(200 if fine else 503, body)


def answer(head: bytes, pages: Mapping[str, Callable[[], Page]]) -> bytes:
    """What is to be sent for a request.

    Args:
        head: the request, or more.
        pages: by path, what makes them.
    """
    method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
    path, _, version = rest.partition(" ")
    if not version.startswith("HTTP/1."):
        return _bytes(Page(400, b'{"error": "this is no request of HTTP/1.1"}'))
    if method not in {"GET", "HEAD"}:
        allow = {"Allow": "GET, HEAD"}
        return _bytes(Page(405, b'{"error": "only GET and HEAD"}'), allow)
    make = pages.get(path.partition("?")[0])
    if make is None:
        known = ", ".join(sorted(pages))
        return _bytes(Page(404, json.dumps({"error": f"there is {known}"}).encode()))
    return _bytes(_made(make), head_only=method == "HEAD")


def _made(make: Callable[[], Page]) -> Page:
    try:
        return make()
    except Exception as exc:  # a page with a defect is told, and the server goes on
        log.exception("page_failed", error=describe(exc))
        return Page(500, b'{"error": "this page has failed; see the log"}')


def _bytes(
    page: Page, headers: Mapping[str, str] | None = None, *, head_only: bool = False
) -> bytes:
    lines = {
        "Content-Type": page.content_type,
        "Content-Length": str(len(page.body)),
        "Cache-Control": "no-store",
        "Connection": "close",
        **(headers or {}),
    }
    top = f"HTTP/1.1 {page.status} {_WORDS[page.status]}\r\n"
    top += "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return top.encode() + b"\r\n" + (b"" if head_only else page.body)
