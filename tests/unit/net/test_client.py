"""The client against a real server that does what it likes."""

from __future__ import annotations

import asyncio
import gc
import gzip
import traceback
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.devkit.sockets import free_port
from streamagents.errors import (
    AddressRefusedError,
    ConfigurationError,
    HttpDeadlineError,
    HttpError,
    NotReachedError,
    NotSentError,
    TooLargeError,
)
from streamagents.net import Hosts, Http
from support.http_peer import (
    HttpPeer,
    bomb,
    dripping,
    endless,
    raw,
    redirect,
    reply,
    reset,
    silent,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from streamagents.net import Reply
    from support.http_peer import Behaviour

OK = b"HTTP/1.1 200 OK\r\n"
SECRET = "hook-5ecret"


@pytest.fixture
async def peer() -> AsyncIterator[HttpPeer]:
    async with HttpPeer() as running:
        yield running


@pytest.fixture
async def http(peer: HttpPeer) -> AsyncIterator[Http]:
    async with Http(private=[peer.host, f"localhost:{peer.port}"]) as opened:
        yield opened


async def get(http: Http, url: str, **limits: Any) -> Reply:
    return await http.request("GET", url, **{"deadline_s": 5, "max_bytes": 100_000, **limits})


async def test_an_answer_is_whole(http: Http, peer: HttpPeer) -> None:
    url = peer.on("/page", reply(201, b"hello", {"X-Kind": "greeting"}))

    answer = await get(http, f"{url}?a=1", headers=[("Accept", "text/plain")])

    assert (answer.status, answer.body) == (201, b"hello")
    assert answer.headers["x-kind"] == "greeting"
    assert answer.url == f"{url}?a=1"
    (asked,) = peer.requests
    assert (asked.method, asked.path, asked.headers["accept"]) == ("GET", "/page?a=1", "text/plain")


async def test_a_post_carries_its_body_and_its_headers(http: Http, peer: HttpPeer) -> None:
    url = peer.on("/hook", reply(204))

    await http.request(
        "POST",
        url,
        headers=[("Content-Type", "application/json"), ("webhook-id", "7")],
        body=b"{}",
        deadline_s=5,
        max_bytes=100,
    )

    (asked,) = peer.requests
    assert (asked.method, asked.body, asked.headers["webhook-id"]) == ("POST", b"{}", "7")
    assert asked.headers["content-type"] == "application/json"


async def test_cookies_are_not_kept(http: Http, peer: HttpPeer) -> None:
    url = peer.on("/", reply(200, headers={"Set-Cookie": "a=b; Path=/"}))

    await get(http, url)
    await get(http, url)

    assert ["cookie" in asked.headers for asked in peer.requests] == [False, False]


async def test_no_proxy_of_the_environment_is_asked(
    http: Http, peer: HttpPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    assert (await get(http, peer.on("/", reply(200)))).status == 200


async def test_each_request_has_a_connection_of_its_own(http: Http, peer: HttpPeer) -> None:
    url = peer.on("/", reply(200, b"x"))

    for _ in range(3):
        await get(http, url)

    assert peer.connections == 3


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"hello", mtime=0)),
        ("x-gzip", gzip.compress(b"hel", mtime=0) + gzip.compress(b"lo", mtime=0)),
        ("deflate", zlib.compress(b"hello")),
        ("deflate", zlib.compress(b"hello", wbits=-15)),
        ("identity", b"hello"),
    ],
)
async def test_a_packed_body_is_unpacked(
    encoding: str, packed: bytes, http: Http, peer: HttpPeer
) -> None:
    url = peer.on("/", reply(200, packed, {"Content-Encoding": encoding}))

    assert (await get(http, url)).body == b"hello"


async def test_what_head_announces_does_not_come(http: Http, peer: HttpPeer) -> None:
    told = {"Content-Length": "9000000", "Content-Encoding": "gzip"}
    url = peer.on("/", reply(200, headers=told))

    answer = await http.request("HEAD", url, deadline_s=5, max_bytes=10)

    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize(
    ("behaviour", "error", "said"),
    [
        pytest.param(silent(), HttpDeadlineError, "in full within 0.3 s", id="says nothing"),
        pytest.param(
            dripping(OK + b"Content-Length: 99999\r\n\r\n"),
            HttpDeadlineError,
            "in full within 0.3 s",
            id="drips",
        ),
        pytest.param(dripping(OK + b"X-Drip: "), HttpDeadlineError, "in full", id="drips a header"),
        pytest.param(
            dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.001),
            HttpError,
            "",
            id="goes on promising",
        ),
        pytest.param(
            endless(OK + b"Connection: close\r\n\r\n"),
            TooLargeError,
            "more than 100000 bytes",
            id="does not end",
        ),
        pytest.param(
            reply(200, b"x", {"Content-Length": "9000000000"}),
            TooLargeError,
            "announces more than 100000 bytes",
            id="announces too much",
        ),
        pytest.param(bomb(50_000_000), TooLargeError, "more than 100000 bytes", id="bomb"),
        pytest.param(
            reply(200, gzip.compress(b"") * 6000, {"Content-Encoding": "gzip"}),
            TooLargeError,
            "more than 100000 bytes",
            id="a heap of empty parts",
        ),
        pytest.param(
            reply(200, b"hello", {"Content-Length": "50"}),
            HttpError,
            "ends in its middle",
            id="cut",
        ),
        pytest.param(
            reply(200, gzip.compress(b"hello" * 99)[:-20], {"Content-Encoding": "gzip"}),
            HttpError,
            "ends in its middle",
            id="cut while packed",
        ),
        pytest.param(
            raw(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
            HttpError,
            "ends in its middle",
            id="a chunk is missing",
        ),
        pytest.param(
            reply(200, b"no gzip", {"Content-Encoding": "gzip"}),
            HttpError,
            "cannot be unpacked",
            id="not packed",
        ),
        pytest.param(
            reply(200, b"x", {"Content-Encoding": "br"}),
            HttpError,
            "an encoding that it was not asked for",
            id="brotli",
        ),
        pytest.param(raw(b"\x16\x03\x01\r\n\r\n"), HttpError, "no HTTP", id="no HTTP"),
        pytest.param(
            raw(OK + b"Content-Length: -5\r\n\r\n"), HttpError, "no HTTP", id="a negative length"
        ),
        pytest.param(reset(), HttpError, "without an answer", id="reset"),
        pytest.param(raw(b""), HttpError, "without an answer", id="closed"),
        pytest.param(
            endless(OK + b"X-Long: "), HttpError, "too much of it", id="a header without an end"
        ),
        pytest.param(
            endless(OK + b"Transfer-Encoding: chunked\r\n\r\n5;"),
            HttpError,
            "",
            id="a chunk's name without an end",
        ),
        pytest.param(
            endless(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Many: 1\r\n" * 5000),
            HttpError,
            "",
            id="trailers without an end",
        ),
        pytest.param(
            endless(OK, b"X-Many: 1\r\n" * 5000),
            HttpError,
            "too much of it",
            id="headers without an end",
        ),
    ],
)
async def test_a_peer_that_misbehaves_is_a_sentence(
    behaviour: Behaviour, error: type[HttpError], said: str, http: Http, peer: HttpPeer
) -> None:
    url = peer.on("/", behaviour)
    before_s = asyncio.get_running_loop().time()

    with pytest.raises(error, match=f"^{peer.host} .*{said}") as refused:
        await get(http, f"{url}?key={SECRET}", deadline_s=0.3)

    assert not isinstance(refused.value, NotSentError)  # it got the request
    assert asyncio.get_running_loop().time() - before_s < 3
    assert SECRET not in "".join(traceback.format_exception(refused.value))


async def test_what_was_surely_not_sent_is_told_apart(http: Http) -> None:
    async with HttpPeer() as gone:
        url = gone.url(f"/{SECRET}")
        here = Http(private=[gone.host])

    with pytest.raises(NotReachedError, match="could not be reached: ") as refused:
        await get(here, url)

    assert isinstance(refused.value, NotSentError)
    assert SECRET not in "".join(traceback.format_exception(refused.value))
    await here.close()


async def nowhere(host: str, port: int) -> list[str]:
    raise OSError("no such name")


async def never(host: str, port: int) -> list[str]:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize(
    ("resolve", "said"),
    [
        (nowhere, "its name leads nowhere"),
        (never, "within 0.1 s"),
    ],
)
async def test_a_name_that_is_not_found_is_not_reached(resolve: Any, said: str) -> None:
    async with Http(resolve=resolve) as http:
        with pytest.raises(NotReachedError, match=f"^crm.example could not be reached.*{said}"):
            await get(http, f"https://crm.example/{SECRET}", deadline_s=0.1)


async def test_a_peer_without_tls_got_nothing(http: Http, peer: HttpPeer) -> None:
    with pytest.raises(NotReachedError, match="could not be reached"):
        await get(http, peer.url("/").replace("http:", "https:"), deadline_s=0.3)

    assert peer.requests == []


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET /x", []),
        ("", []),
        ("GET", [("Host", "other.example")]),
        ("GET", [("Transfer-Encoding", "chunked")]),
        ("GET", [("a b", "c")]),
        ("GET", [("X-Note", "a\r\nHost: other.example")]),
        ("GET", [("X-Note", "a\0b")]),
    ],
)
async def test_what_would_be_another_request_is_refused(
    method: str, headers: list[tuple[str, str]], http: Http, peer: HttpPeer
) -> None:
    with pytest.raises(ValueError, match=r"no HTTP method|no header|control characters"):
        await http.request(method, peer.url(), headers=headers, deadline_s=5, max_bytes=10)

    assert peer.connections == 0


async def test_one_client_serves_many_at_once(http: Http, peer: HttpPeer) -> None:
    url = peer.on("/", reply(200, b"x"))

    answers = await asyncio.gather(*(get(http, url) for _ in range(150)))

    assert {answer.status for answer in answers} == {200}


def test_a_client_outlives_its_loop() -> None:
    opened = free_port()
    http = Http(private=[f"127.0.0.1:{opened}"])

    async def once() -> bytes:
        async with HttpPeer(at=opened) as peer:
            return (await get(http, peer.on("/", reply(200, b"here")))).body

    assert [asyncio.run(once()) for _ in range(2)] == [b"here", b"here"]
    asyncio.run(http.close())


def test_a_client_that_nobody_closes_is_no_trouble() -> None:
    async def once() -> int:
        async with HttpPeer() as peer:
            return (await get(Http(private=[peer.host]), peer.url())).status

    assert asyncio.run(once()) == 404
    gc.collect()  # a warning would be an error


def test_an_open_host_that_is_none_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError, match="is no host:port"):
        Http(private=["crm.internal"])
    gc.collect()


class TestRedirects:
    async def test_they_are_followed_so_many_times(self, http: Http, peer: HttpPeer) -> None:
        peer.on("/a", redirect("/b?x=1"))
        peer.on("/b", redirect("c", 307))
        peer.on("/c", reply(200, b"here"))

        answer = await get(http, peer.url("/a"), redirects=2)

        assert (answer.body, answer.url) == (b"here", peer.url("/c"))
        with pytest.raises(HttpError, match="redirects once more after 1 times"):
            await get(http, peer.url("/a"), redirects=1)

    async def test_without_leave_they_are_answers(self, http: Http, peer: HttpPeer) -> None:
        answer = await get(http, peer.on("/a", redirect("/b")))

        assert (answer.status, answer.headers["Location"]) == (302, "/b")
        assert len(peer.requests) == 1

    async def test_a_loop_ends(self, http: Http, peer: HttpPeer) -> None:
        url = peer.on("/a", redirect("/a"))

        with pytest.raises(HttpError, match="once more after 5 times"):
            await get(http, url, redirects=5)

        assert len(peer.requests) == 6

    @pytest.mark.parametrize(
        ("to", "code"),
        [
            ("http://127.0.0.1:1/", "private_address"),
            ("http://169.254.169.254/latest/meta-data/", "private_address"),
            ("http://localhost:1/", "private_address"),
            ("//127.0.0.1:1/", "private_address"),
            ("http://[::1]:1/", "private_address"),
            ("http://0x7f.1/", "bad_url"),
            ("file:///etc/passwd", "bad_url"),
            ("gopher://127.0.0.1:1/", "bad_url"),
            ("javascript:alert(1)", "bad_url"),
            ("http://a:b@127.0.0.1:1/", "bad_url"),
            ("http://a:999999/", "bad_url"),
            ("http://[", "bad_url"),
        ],
    )
    async def test_none_leads_to_where_it_must_not(
        self, to: str, code: str, http: Http, peer: HttpPeer
    ) -> None:
        url = peer.on("/", redirect(to))

        with pytest.raises(AddressRefusedError) as refused:
            await get(http, url, redirects=3)

        assert refused.value.code == code
        assert peer.connections == 1

    async def test_the_allow_list_counts_for_each_hop(self, http: Http, peer: HttpPeer) -> None:
        url = peer.on("/", redirect(peer.url("/there", host="localhost")))
        peer.on("/there", reply(200))

        with pytest.raises(AddressRefusedError, match="not among the hosts") as refused:
            await get(http, url, redirects=3, hosts=Hosts(["127.0.0.1"]))

        assert refused.value.code == "host_not_allowed"
        assert [asked.path for asked in peer.requests] == ["/"]

    async def test_secrets_do_not_go_elsewhere(self, http: Http, peer: HttpPeer) -> None:
        secret = [(name, SECRET) for name in ("Authorization", "Cookie", "webhook-signature")]
        peer.on("/", redirect("/same"))
        peer.on("/same", redirect(peer.url("/other", host="localhost")))
        peer.on("/other", reply(200))

        await get(http, peer.url(), redirects=3, headers=[*secret, ("Accept", "text/html")])

        first, same, other = (asked.headers for asked in peer.requests)
        assert first["authorization"] == same["authorization"] == SECRET
        assert SECRET not in str(other)
        assert other["accept"] == "text/html"

    async def test_what_changes_something_is_not_redirected(
        self, http: Http, peer: HttpPeer
    ) -> None:
        with pytest.raises(ValueError, match="A POST is not redirected"):
            await http.request("POST", peer.url(), deadline_s=5, max_bytes=10, redirects=1)

    async def test_who_is_gone_after_a_redirect_leaves_it_open(
        self, http: Http, peer: HttpPeer
    ) -> None:
        async with HttpPeer() as gone:
            url = peer.on("/", redirect(gone.url()))
            here = Http(private=[peer.host, gone.host])

        with pytest.raises(HttpError, match="could not be reached") as refused:
            await get(here, url, redirects=1)

        assert not isinstance(refused.value, NotSentError)
        await here.close()

    async def test_the_deadline_is_for_all_of_them(self, http: Http, peer: HttpPeer) -> None:
        peer.on("/", redirect("/silent"))
        peer.on("/silent", silent())

        with pytest.raises(HttpDeadlineError):
            await get(http, peer.url(), redirects=3, deadline_s=0.3)
