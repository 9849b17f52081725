"""The rules for broken links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from streamagents.starter.events import BrokenLink
from streamagents.starter.rules.link import closest, decide, mend, usable, view

if TYPE_CHECKING:
    from streamagents.starter.kinds import Cause

SITE = "https://docs.acme.example"


def link(**fields: Any) -> BrokenLink:
    return BrokenLink(**({"url": f"{SITE}/guide"} | fields))


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"status": 404}, "gone"),
        ({"status": "410"}, "gone"),
        ({"status": 301, "redirect": f"{SITE}/new"}, "moved"),
        ({"status": 301, "redirect": f"{SITE}/guide"}, "unknown"),
        ({"status": 301, "redirect": "javascript:alert(1)"}, "unknown"),
        ({"status": 403}, "refused"),
        ({"status": 429}, "refused"),
        ({"status": 500}, "server"),
        ({"status": 200}, "works"),
        ({"error": "certificate has expired"}, "certificate"),
        ({"error": "getaddrinfo ENOTFOUND"}, "no_address"),
        ({"error": "Read timed out"}, "unreachable"),
        ({"error": "  "}, "unknown"),
        ({}, "unknown"),
        ({"url": f"{SITE}/guide)", "status": 404}, "misspelt"),
        ({"url": f"{SITE}/guide)", "status": 200}, "works"),
    ],
)
def test_a_cause_follows_from_status_and_error(fields: dict[str, Any], cause: str) -> None:
    assert view(link(**fields)).cause == cause


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("htp://acme.example/x", "http://acme.example/x"),
        ("https:/acme.example/x", "https://acme.example/x"),
        ("https://https://acme.example/x", "https://acme.example/x"),
        ("https://acme.example/x).", "https://acme.example/x"),
        ("https://acme,example/x", "https://acme.example/x"),
        ("https://acme.example /x", "https://acme.example/x"),
        ("https://acme.example/x_(y)", None),
        ("https://acme.example/x", None),
        ("http://acme.example/https://b.example", None),
        ("javascript:alert(1)", None),
        ("not a link", None),
        ("http://[", None),
        ("", None),
    ],
)
def test_a_misspelt_address_is_mended_where_it_is_plain_what_was_meant(
    url: str, meant: str | None
) -> None:
    assert mend(url) == meant


@pytest.mark.parametrize(
    ("path", "candidates", "found"),
    [
        ("/guide/setup", ["/guides/setup", "/faq"], "/guides/setup"),
        ("/v1/install", ["/v2/install", "/v2/billing"], "/v2/install"),
        ("/getting_started.html", ["/getting-started"], "/getting-started"),
        ("/jobs/7", ["/pricing", "/"], None),
        ("/", ["/", "/a"], None),
        ("/guide", [], None),
    ],
)
def test_the_page_that_is_most_alike_is_found_or_none(
    path: str, candidates: list[str], found: str | None
) -> None:
    elsewhere = f"https://other.example{path}"
    pages = [elsewhere, *(SITE + candidate for candidate in candidates)]
    assert closest(SITE + path, pages) == (found and SITE + found)


@pytest.mark.parametrize(
    ("cause", "suggestion", "days", "status", "decision"),
    [
        ("works", None, 9, 200, "fixed"),
        ("moved", "https://a.example", 0, 301, "replace"),
        ("gone", None, 0, 404, "remove"),
        ("server", None, 2, 500, "wait"),
        ("server", None, 3, 500, "ask_a_person"),
        ("refused", None, 9, 429, "wait"),
        ("refused", None, 0, 403, "ask_a_person"),
        ("misspelt", None, 0, None, "ask_a_person"),
        ("unknown", None, 0, None, "ask_a_person"),
    ],
)
def test_what_is_to_be_done_follows_from_the_cause(
    cause: Cause, suggestion: str | None, days: int, status: int | None, decision: str
) -> None:
    assert decide(cause, suggestion, days=days, status=status) == decision


def test_only_what_our_own_data_name_may_be_suggested() -> None:
    known = link(redirect=f"{SITE}/new", candidates=[f"{SITE}/a", "https://evil.example/a"])
    assert usable(f"{SITE}/new", known)
    assert usable(f"{SITE}/a", known)
    assert not usable("https://evil.example/a", known)
    assert not usable(f"{SITE}/b", known)
    assert not usable(known.url, known)
