"""Allow-lists of hosts."""

from __future__ import annotations

import pytest

from streamagents.errors import ConfigurationError
from streamagents.net import Hosts
from streamagents.net.hosts import host_and_port


@pytest.mark.parametrize(
    ("entry", "host", "port"),
    [
        ("example.com", "example.com", 443),
        ("example.com", "EXAMPLE.com.", 8443),
        ("Example.COM", "example.com", 80),
        ("example.com.", "example.com", 80),
        (" example.com ", "example.com", 80),
        ("example.com:8443", "example.com", 8443),
        ("*.example.com", "a.example.com", 443),
        ("*.example.com", "a.b.example.com", 443),
        ("*.example.com:8443", "a.example.com", 8443),
        ("*", "anything.at.all", 1),
        ("bücher.example", "xn--bcher-kva.example", 443),
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("[::1]:8080", "::1", 8080),
        ("[2606:4700::1]", "2606:4700::1", 443),
        ("crm", "crm", 80),
    ],
)
def test_what_is_listed_is_allowed(entry: str, host: str, port: int) -> None:
    assert Hosts([entry]).allows(host, port)


@pytest.mark.parametrize(
    ("entry", "host", "port"),
    [
        ("example.com", "example.com.evil.example", 443),
        ("example.com", "notexample.com", 443),
        ("example.com", "a.example.com", 443),
        ("example.com", "example.co", 443),
        ("example.com", "", 443),
        ("example.com", "com", 443),
        ("example.com:8443", "example.com", 443),
        ("*.example.com", "example.com", 443),
        ("*.example.com", "notexample.com", 443),
        ("*.example.com", "a.example.com.evil.example", 443),
        ("*.example.com:8443", "a.example.com", 443),
        ("example.com", "\u0435\u0445ample.com", 443),
        ("example.com", "*", 443),
        ("127.0.0.1:8080", "127.0.0.1", 8081),
        ("[::1]:8080", "::1", 80),
    ],
)
def test_what_only_looks_like_it_is_not(entry: str, host: str, port: int) -> None:
    assert not Hosts([entry]).allows(host, port)


def test_an_empty_list_allows_none() -> None:
    assert not Hosts([]).allows("example.com", 443)


def test_one_of_several_is_enough() -> None:
    hosts = Hosts(["a.example", "*.b.example", "c.example:8443"])

    assert [hosts.allows(f"{name}.example", 8443) for name in ("a", "x.b", "c", "d")] == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(("entries", "is_open"), [(["*"], True), (["*.com", "a"], False)])
def test_a_list_that_is_open_says_so(entries: list[str], is_open: bool) -> None:  # noqa: FBT001 - a table's column
    assert Hosts(entries).open is is_open


@pytest.mark.parametrize(
    "entry",
    [
        "",
        " ",
        "https://example.com",
        "example.com/path",
        "example.com?x",
        "example.com#x",
        "user@example.com",
        "a*.example.com",
        "*example.com",
        "a.*.example.com",
        "*.*",
        "*.",
        "*:80",
        "**",
        "example.com:",
        "example.com:x",
        "example.com:0",
        "example.com:65536",
        "a b",
        "a,b",
        "::1",
    ],
)
def test_an_entry_that_is_no_host_is_refused(entry: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is no host: say example\.com"):
        Hosts([entry])


def test_an_open_host_is_exact() -> None:
    assert host_and_port("CRM.internal:8080") == ("crm.internal", 8080)
    assert host_and_port("[::1]:8080") == ("::1", 8080)


@pytest.mark.parametrize("entry", ["crm.internal", "*", "*.internal:80", "http://a:80"])
def test_an_open_host_that_is_not_exact_is_refused(entry: str) -> None:
    with pytest.raises(ConfigurationError, match="is no host"):
        host_and_port(entry)
