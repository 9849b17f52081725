"""What is dialled is what was checked."""

from __future__ import annotations

import socket
import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest

from streamagents.errors import AddressRefusedError, NotReachedError
from streamagents.net import Http
from streamagents.net.dialling import _socket, check_addresses
from support.http_peer import HttpPeer, redirect, reply

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PUBLIC = "93.184.216.34"


class Names:
    """A name server that gives other answers each time."""

    def __init__(self, *answers: Iterable[str]) -> None:
        self.answers = [list(answer) for answer in answers]
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        return self.answers.pop(0)


async def ask(http: Http, url: str, *, redirects: int = 0) -> bytes:
    limits = {"deadline_s": 5.0, "max_bytes": 1000}
    return (await http.request("GET", url, redirects=redirects, **limits)).body  # type: ignore[arg-type] # one of them is whole


async def test_a_name_that_changes_its_mind_is_resolved_once_a_hop() -> None:
    async with HttpPeer() as peer:
        peer.on("/", redirect("/again"))
        peer.on("/again", reply(200, b"inside"))
        names = Names(["127.0.0.1"], ["169.254.169.254"], ["127.0.0.1"])
        async with Http(private=[f"crm.example:{peer.port}"], resolve=names) as http:
            with pytest.raises(AddressRefusedError):
                await ask(http, peer.url("/", host="crm.example"), redirects=1)

            assert len(names.asked) == 2
            assert [asked.path for asked in peer.requests] == ["/"]


async def test_a_name_is_not_asked_again_between_the_check_and_the_connection() -> None:
    async with HttpPeer() as peer:
        peer.on("/", reply(200, b"here"))
        names = Names(["127.0.0.1"])
        async with Http(private=[f"crm.example:{peer.port}"], resolve=names) as http:
            assert await ask(http, peer.url("/", host="crm.example")) == b"here"

        assert names.asked == [("crm.example", peer.port)]
        assert peer.requests[0].headers["host"] == f"crm.example:{peer.port}"


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        [PUBLIC, "127.0.0.1"],
        ["127.0.0.1", PUBLIC],
        [PUBLIC, "2606:4700::1", "fd00::1"],
        ["169.254.169.254"],
        ["not an address"],
    ],
)
async def test_one_private_address_spoils_the_others(answer: list[str]) -> None:
    async with HttpPeer() as peer, Http(resolve=Names(answer)) as http:
        with pytest.raises(AddressRefusedError) as refused:
            await ask(http, peer.url("/", host="rebind.example"))

        assert refused.value.code == "private_address"
        assert peer.connections == 0


async def test_what_is_open_is_open_by_its_own_name_only() -> None:
    async with HttpPeer() as peer:
        peer.on("/", reply(200, b"here"))
        names = Names(["127.0.0.1"], ["127.0.0.1"])
        async with Http(private=[f"crm.example:{peer.port}"], resolve=names) as http:
            assert await ask(http, peer.url("/", host="CRM.example")) == b"here"
            with pytest.raises(AddressRefusedError):
                await ask(http, peer.url("/", host="evil.example"))

        assert peer.connections == 1


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "0.0.0.0", "::", "ff02::1"])
def test_link_local_is_never_open(address: str) -> None:
    host = "crm.example"

    with pytest.raises(AddressRefusedError, match="never open"):
        check_addresses(host, 80, [address], frozenset({(host, 80)}))
    with pytest.raises(AddressRefusedError, match="never open"):
        check_addresses(address, 80, [address], frozenset({(address, 80)}))


@pytest.mark.parametrize(
    ("address", "port", "passes"),
    [
        (PUBLIC, 443, True),
        ("127.0.0.1", 8080, True),
        ("127.0.0.1", 8081, False),
        ("169.254.169.254", 8080, False),
    ],
)
def test_the_last_fence_looks_at_the_socket_itself(
    address: str,
    port: int,
    passes: bool,  # noqa: FBT001 - a table's column
) -> None:
    info = (socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, port))
    if passes:
        _socket(info, {8080}).close()
        return
    with pytest.raises(AddressRefusedError):
        _socket(info, {8080})


async def test_a_name_with_no_address_is_not_reached() -> None:
    async with Http(resolve=Names([])) as http:
        with pytest.raises(NotReachedError, match="its name leads nowhere"):
            await ask(http, "https://crm.example/")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Of a peer that calls itself crm.example."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=crm.example", "-addext", "subjectAltName=DNS:crm.example"),
            *("-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return key, cert


@pytest.fixture
def serving(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1], certificate[0])
    return context


class TestTls:
    async def test_the_certificate_is_checked_against_the_name(
        self, certificate: tuple[Path, Path], serving: ssl.SSLContext
    ) -> None:
        trusting = ssl.create_default_context(cafile=str(certificate[1]))
        async with HttpPeer(tls=serving) as peer:
            peer.on("/", reply(200, b"here"))
            names = Names(["127.0.0.1"], ["127.0.0.1"])
            opened = [f"crm.example:{peer.port}", f"other.example:{peer.port}"]
            async with Http(private=opened, resolve=names, tls=trusting) as http:
                assert await ask(http, peer.url("/", host="crm.example")) == b"here"
                with pytest.raises(NotReachedError, match="its certificate is not accepted"):
                    await ask(http, peer.url("/", host="other.example"))

            assert len(peer.requests) == 1

    async def test_a_certificate_of_nobody_is_refused(self, serving: ssl.SSLContext) -> None:
        async with HttpPeer(tls=serving) as peer:
            opened = [f"crm.example:{peer.port}"]
            async with Http(private=opened, resolve=Names(["127.0.0.1"])) as http:
                with pytest.raises(NotReachedError, match="its certificate is not accepted"):
                    await ask(http, peer.url("/", host="crm.example"))

            assert peer.requests == []

    async def test_a_redirect_does_not_take_the_lock_off(
        self, certificate: tuple[Path, Path], serving: ssl.SSLContext
    ) -> None:
        trusting = ssl.create_default_context(cafile=str(certificate[1]))
        async with HttpPeer() as bare, HttpPeer(tls=serving) as peer:
            peer.on("/", redirect(bare.url("/")))
            opened = [f"crm.example:{peer.port}", bare.host]
            async with Http(private=opened, resolve=Names(["127.0.0.1"]), tls=trusting) as http:
                with pytest.raises(AddressRefusedError, match="from https to http"):
                    await ask(http, peer.url("/", host="crm.example"), redirects=3)

            assert bare.connections == 0
