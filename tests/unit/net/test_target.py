"""Which URLs may be asked."""

from __future__ import annotations

import pytest

from streamagents.errors import AddressRefusedError
from streamagents.net import Hosts
from streamagents.net.target import check_url, where


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://example.com", "example.com"),
        ("http://example.com:8080/a?b=c#d", "example.com:8080"),
        ("HTTPS://EXAMPLE.com:443/", "example.com"),
        ("https://bücher.example/ü?ä", "xn--bcher-kva.example"),
        ("http://[2606:4700::1]:81/", "[2606:4700::1]:81"),
        (f"http://{'a' * 60}.{'b' * 60}.example/", f"{'a' * 60}.{'b' * 39}"),
    ],
)
def test_a_sentence_names_the_host_alone(text: str, shown: str) -> None:
    url = check_url(text, None)

    assert where(url) == shown
    assert not url.fragment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "/etc/passwd",
        "file:///etc/passwd",
        "ftp://example.com/",
        "data:text/html,x",
        "javascript:alert(1)",
        "unix:/var/run/docker.sock",
        "http://",
        "http:///path",
        "http://user@example.com/",
        "http://user:hook-5ecret@example.com/",
        "http://:hook-5ecret@example.com/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:x/",
        "http://exa mple.com/",
        "http://example.com/a b",
        "http://example.com/a\r\nHost: evil.example",
        "http://example.com\\@evil.example/",
        "http://example.com/\0",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://127.0.0.1./",
        "http://[fe80::1%25eth0]/",
        "http://[::1",
        "http://[hook-5ecret]/",
        None,
        b"http://example.com",
    ],
)
def test_what_is_no_plain_url_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(AddressRefusedError) as refused:
        check_url(text, None)

    assert refused.value.code == "bad_url"
    assert "5ecret" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/",
        "https://example.com.evil.example/",
        "https://evil.example#example.com",
        "https://evil.example?example.com",
        "https://evil.example/example.com",
        "https://example.com:8443/",
        "https://www.example.com/",
        "https://\u0435\u0445ample.com/",
    ],
)
def test_the_allow_list_is_asked(text: str) -> None:
    with pytest.raises(AddressRefusedError, match="not among the hosts") as refused:
        check_url(text, Hosts(["example.com:443"]))

    assert refused.value.code == "host_not_allowed"
