"""The site of a lead's company: which it is, and reading it from a server that may misbehave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from streamagents.starter.events import NewLead
from streamagents.starter.site import Profile, Site, page_fetcher, site_of
from support.http_peer import HttpPeer, redirect, reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HTML = {"Content-Type": "text/html"}


def lead(**fields: Any) -> NewLead:
    return NewLead(**({"email": "ana@acme-robotics.com"} | fields))


@pytest.fixture
async def peer() -> AsyncIterator[HttpPeer]:
    async with HttpPeer() as running:
        yield running


@pytest.mark.parametrize(
    ("fields", "site"),
    [
        ({}, "https://acme-robotics.com/"),
        ({"website": "www.acme.io/en"}, "https://www.acme.io/en"),
        ({"website": "http://acme.io", "email": "a@gmx.de"}, "http://acme.io"),
        ({"email": "a@gmx.de"}, None),
        ({"email": "a@mailinator.com"}, None),
        ({"email": "a@shop.example"}, None),
        ({"email": "a@example.com"}, None),
    ],
)
def test_only_a_company_has_a_site(fields: dict[str, Any], site: str | None) -> None:
    assert site_of(lead(**fields)) == site


async def test_without_a_fetcher_no_site_is_read() -> None:
    profile = await Site().profile("https://acme.io")
    assert profile == Profile(url="https://acme.io", note="Sites are not read here.")


async def test_a_site_is_read_as_text(peer: HttpPeer) -> None:
    peer.on("/", redirect("/home"))
    peer.on("/home", reply(200, b"<title>Acme</title><script>x()</script><p>Robots.", HTML))
    profile = await Site(page_fetcher(private=[peer.host])).profile(peer.url())
    assert profile == Profile(url=peer.url("/home"), title="Acme", text="Robots.")


@pytest.mark.parametrize("status", [404, 500])
async def test_a_site_that_is_not_there_is_noted(status: int, peer: HttpPeer) -> None:
    peer.on("/", reply(status, b"no", HTML))
    profile = await Site(page_fetcher(private=[peer.host])).profile(peer.url())
    assert str(status) in profile.note
    assert profile.text == ""


async def test_a_redirect_to_another_site_is_not_followed(peer: HttpPeer) -> None:
    peer.on("/", redirect(f"http://localhost:{peer.host.rpartition(':')[2]}/secret"))
    peer.on("/secret", reply(200, b"secret", HTML))
    profile = await Site(page_fetcher(private=[peer.host])).profile(peer.url())
    assert profile.text == ""
    assert profile.note


async def test_a_private_address_is_not_asked(peer: HttpPeer) -> None:
    profile = await Site(page_fetcher()).profile(peer.url())
    assert profile.text == ""
    assert profile.note


@pytest.mark.parametrize(
    "url", ["", "x", "http://", "http://[", "https://a b", "file:///etc/passwd"]
)
async def test_what_is_no_address_is_noted(url: str) -> None:
    assert (await Site(page_fetcher()).profile(url)).note
