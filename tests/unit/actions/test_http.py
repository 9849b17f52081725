"""HTTP: what a receiver gets, and what becomes of an effect that it does not take."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from streamagents.actions import Effect, HttpChannel, HttpPost
from streamagents.errors import (
    ConfigurationError,
    DeliveryError,
    HttpDeadlineError,
    HttpError,
    NotReachedError,
    NotSentError,
    Reject,
    RetryLater,
)
from streamagents.net import Http
from support.http_peer import HttpPeer, redirect, reply, reset, silent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from support.http_peer import Behaviour

EFFECT = Effect(id="e-1/post", source="streamagents/crm/lead")
OLD, NEW = (
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
)
BODY = {"name": "Änn", "score": 7, "tags": ["a", None]}


@pytest.fixture
async def peer() -> AsyncIterator[HttpPeer]:
    async with HttpPeer() as running:
        running.on("*", reply(202))
        yield running


def channel(peer: HttpPeer, **options: Any) -> HttpChannel:
    return HttpChannel(
        **{
            "allow_hosts": [peer.host],
            "http": Http(private=[peer.host]),
            "deadline_s": 5.0,
            **options,
        }
    )


def post(peer: HttpPeer, path: str = "/in") -> HttpPost:
    return HttpPost(url=peer.url(path), body=BODY, headers={"X-Kind": "lead"})


async def test_a_body_is_posted_with_what_makes_it_known(peer: HttpPeer) -> None:
    await channel(peer).send(post(peer), EFFECT)

    (asked,) = peer.requests
    assert (asked.method, asked.path, json.loads(asked.body)) == ("POST", "/in", BODY)
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["x-kind"] == "lead"
    assert asked.headers["idempotency-key"] == EFFECT.idempotency_key
    assert asked.headers["webhook-id"] == EFFECT.idempotency_key
    assert "webhook-signature" not in asked.headers
    assert "authorization" not in asked.headers


async def test_a_receiver_that_knows_one_of_the_secrets_can_check_it(peer: HttpPeer) -> None:
    await channel(peer, secrets=[NEW, OLD]).send(post(peer), EFFECT)

    (asked,) = peer.requests
    for secret in (OLD, NEW):
        assert Webhook(secret).verify(asked.body, dict(asked.headers)) == BODY
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(asked.body + b" ", dict(asked.headers))


async def test_a_repetition_carries_the_same_key_and_its_own_time(peer: HttpPeer) -> None:
    at = [datetime(2026, 1, 1, tzinfo=UTC)]
    sender = channel(peer, now=lambda: at[0])

    await sender.send(post(peer), EFFECT)
    at[0] = datetime(2026, 1, 2, tzinfo=UTC)
    await sender.send(post(peer), EFFECT)

    first, second = (asked.headers for asked in peer.requests)
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-timestamp"] != second["webhook-timestamp"]


async def test_a_token_is_sent_to_those_who_were_allowed(peer: HttpPeer) -> None:
    await channel(peer, bearer="t0ken").send(post(peer), EFFECT)

    assert peer.requests[0].headers["authorization"] == "Bearer t0ken"


async def test_a_token_is_never_sent_in_the_clear() -> None:
    sender = HttpChannel(allow_hosts=["shop.example"], bearer="t0ken")

    with pytest.raises(Reject, match="over https only") as caught:
        await sender.send(HttpPost(url="http://shop.example/", body=1), EFFECT)

    assert caught.value.code == "not_encrypted"


@pytest.mark.parametrize(
    ("allow", "path_url", "code"),
    [
        ([], "http://{host}/in", "host_not_allowed"),
        (["shop.example"], "http://{host}/in", "host_not_allowed"),
        (["127.0.0.1:9"], "http://{host}/in", "host_not_allowed"),
        (["shop.example"], "http://shop.example@{host}/in", "bad_url"),
        (["shop.example"], "http://{host}/shop.example", "host_not_allowed"),
        (["*"], "file:///etc/passwd", "bad_url"),
        (["*"], "http://169.254.169.254/latest", "private_address"),
        (["*"], "", "bad_url"),
    ],
)
async def test_it_goes_nowhere_but_where_it_may(
    peer: HttpPeer, allow: list[str], path_url: str, code: str
) -> None:
    action = HttpPost(url=path_url.format(host=peer.host), body=1)

    with pytest.raises(Reject) as caught:
        await channel(peer, allow_hosts=allow).send(action, EFFECT)

    assert (caught.value.code, peer.requests) == (code, [])
    assert caught.value.__cause__ is None


async def test_a_star_opens_no_private_address(peer: HttpPeer) -> None:
    with pytest.raises(Reject) as caught:
        await channel(peer, allow_hosts=["*"], http=Http()).send(post(peer), EFFECT)

    assert (caught.value.code, peer.requests) == ("private_address", [])


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (reply(400), Reject),
        (reply(410), Reject),
        (redirect("/elsewhere"), Reject),
        (redirect("/elsewhere", 307), Reject),
        (reply(429, headers={"Retry-After": "120"}), RetryLater),
        (reply(503, headers={"Retry-After": "120"}), RetryLater),
        (reply(429), NotSentError),
        (reply(409), DeliveryError),
        (reply(500), DeliveryError),
        (reset(), HttpError),
    ],
)
async def test_what_the_receiver_says_decides_what_becomes_of_it(
    peer: HttpPeer, answer: Behaviour, error: type[Exception]
) -> None:
    peer.on("/in", answer)

    with pytest.raises(error):
        await channel(peer).send(post(peer), EFFECT)

    assert [asked.path for asked in peer.requests] == ["/in"]


async def test_a_receiver_that_never_answers_is_left(peer: HttpPeer) -> None:
    peer.on("/in", silent())

    with pytest.raises(HttpDeadlineError):
        await channel(peer, deadline_s=0.2).send(post(peer), EFFECT)


async def test_nobody_listens() -> None:
    async with HttpPeer() as gone:
        sender, action = channel(gone), post(gone)

    with pytest.raises(NotReachedError):
        await sender.send(action, EFFECT)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "x"},
        {"cookie": "x"},
        {"Proxy-Authorization": "x"},
        {"X-Api-Key": "x"},
        {"X-Auth-Token": "x"},
        {"Host": "x"},
        {"Content-Length": "0"},
        {"Transfer-Encoding": "chunked"},
        {"webhook-id": "x"},
        {"Idempotency-Key": "x"},
        {"X-A": "b\r\nX-Evil: 1"},
        {"X A": "b"},
        {"X-A\n": "b"},
        {"": "b"},
        {"X-A": "ü"},
        {str(number): "x" for number in range(21)},
    ],
)
def test_headers_carry_no_credentials_and_nothing_of_ours(headers: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        HttpPost(url="https://shop.example/", body=1, headers=headers)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"secrets": ["whsec_marker"]}, "A secret of the channel http is whsec_"),
        ({"secrets": [""]}, "A secret of the channel http is whsec_"),
        ({"secrets": ["not base64 marker !!"]}, "A secret of the channel http is whsec_"),
        ({"allow_hosts": ["https://shop.example"]}, "is no host"),
        ({"allow_hosts": ["*"], "bearer": "marker"}, "would show the token"),
    ],
)
def test_what_cannot_work_is_told_at_once(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        HttpChannel(**options)

    assert "marker" not in str(caught.value)


def test_receivers_are_told_to_heed_the_key_unless_it_is_known_that_they_do_not() -> None:
    assert HttpChannel().idempotent
    assert not HttpChannel(idempotent=False).idempotent
