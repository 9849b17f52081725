"""Who may post to `/events`."""

from __future__ import annotations

import pytest

from streamagents.errors import ConfigurationError
from streamagents.triggers.gateway.access import Tokens, is_loopback
from support.gateway import TestGateway

ANN = {"email": "ann@example.com"}


def bearer(token: str) -> tuple[str, str]:
    return ("authorization", f"Bearer {token}")


@pytest.mark.parametrize("token", ["one", "two", "n3w"])
async def test_each_token_admits_from_anywhere(token: str) -> None:
    gateway = TestGateway(tokens=["one", "two", "crm:n3w"])

    answer = await gateway.post(
        "/events/lead", ANN, bearer(token), ("x-forwarded-for", "1.2.3.4"),
        peer=("203.0.113.9", 1), host="api.example.com",
    )  # fmt: skip

    assert answer.status == 202


async def test_the_tokens_name_is_the_source_and_those_without_one_share_theirs() -> None:
    """So a sender's retry under the new token is the same event."""
    gateway = TestGateway(tokens=["old", "new", "crm:n3w"])

    for token in ("old", "new", "n3w"):
        await gateway.post("/events/lead", ANN, bearer(token))

    sources = [dict(record.headers)["ce_source"] for record in gateway.written("lead")]
    assert sources == [b"gateway/default", b"gateway/default", b"gateway/crm"]


@pytest.mark.parametrize(
    "given",
    [
        (),
        (bearer("wrong"),),
        (bearer(""),),
        (bearer("crm:n3w"),),
        (("authorization", "n3w"),),
        (("authorization", "Basic n3w"),),
        (("authorization", "Bearer \xff\xfe"),),
        (bearer("n3w"), bearer("n3w")),
    ],
)
async def test_all_else_is_refused_in_one_shape(given: tuple[tuple[str, str], ...]) -> None:
    gateway = TestGateway(tokens=["crm:n3w"])

    answer = await gateway.post("/events/lead", b"no json", *given)

    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json == {"error": "A bearer token is needed, and this is none that is known."}


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080"])
@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1"])
async def test_without_a_token_this_machine_may(host: str, peer: str) -> None:
    answer = await TestGateway().post("/events/lead", ANN, host=host, peer=(peer, 1))

    assert answer.status == 202


@pytest.mark.parametrize(
    ("given", "host", "peer"),
    [
        ((), "localhost", "10.0.0.7"),
        ((), "localhost", "::ffff:10.0.0.7"),
        ((), "localhost", ""),
        ((), "evil.example", "127.0.0.1"),
        ((), "localhost.evil.example", "127.0.0.1"),
        ((), "", "127.0.0.1"),
        ((("host", "localhost"),), "localhost", "127.0.0.1"),
        ((("forwarded", "for=1.2.3.4"),), "localhost", "127.0.0.1"),
        ((("x-forwarded-for", "127.0.0.1"),), "localhost", "127.0.0.1"),
        ((("X-Forwarded-Proto", "https"),), "localhost", "127.0.0.1"),
    ],
)
async def test_without_a_token_nobody_else_may(
    given: tuple[tuple[str, str], ...], host: str, peer: str
) -> None:
    gateway = TestGateway()

    answer = await gateway.post("/events/lead", ANN, *given, host=host, peer=(peer, 1))

    assert answer.status == 403
    assert gateway.written("lead") == []


def test_what_is_no_token_is_told_without_it() -> None:
    with pytest.raises(ConfigurationError) as refused:
        Tokens(["good", "a b"])

    assert "STREAMAGENTS_GATEWAY_TOKEN" in str(refused.value)
    assert "a b" not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "ours"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("::", False),
     ("192.168.1.2", False), ("example.com", False)],
)  # fmt: skip
def test_only_loopback_is_this_machine_alone(host: str, ours: bool) -> None:  # noqa: FBT001 - a table
    assert is_loopback(host) is ours
