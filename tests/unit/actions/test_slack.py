"""Slack: against a peer that answers as Slack does, and as Slack should not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.actions import Effect, SlackChannel, SlackMessage
from streamagents.actions.slack import slacks_word
from streamagents.errors import (
    ConfigurationError,
    DeliveryError,
    HttpDeadlineError,
    HttpError,
    NotReachedError,
    NotSentError,
    Reject,
    RetryLater,
    TooLargeError,
)
from streamagents.net import Http
from support.http_peer import HttpPeer, endless, raw, redirect, reply, reset, silent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from support.http_peer import Behaviour

EFFECT = Effect(id="e-1/note", source="streamagents/crm/lead")
MESSAGE = SlackMessage(text="Ann from Nordwind", channel="#leads")
PATH = "/services/T0/B0/s3cret-marker"


@pytest.fixture
async def peer() -> AsyncIterator[HttpPeer]:
    async with HttpPeer() as running:
        running.on("*", reply(200, b"ok"))
        yield running


def channel(peer: HttpPeer, **options: Any) -> SlackChannel:
    urls = options.pop("urls", {"*": peer.url(PATH)})
    return SlackChannel(urls, http=Http(private=[peer.host]), **{"deadline_s": 5.0, **options})


async def test_a_message_is_posted_as_json(peer: HttpPeer) -> None:
    await channel(peer).send(MESSAGE, EFFECT)

    (asked,) = peer.requests
    assert (asked.method, asked.path) == ("POST", PATH)
    assert asked.headers["content-type"] == "application/json; charset=utf-8"
    assert json.loads(asked.body)["text"] == "Ann from Nordwind"


@pytest.mark.parametrize(
    ("wanted", "path"),
    [("#leads", "/leads"), ("Leads", "/leads"), ("#ops", "/rest"), ("", "/rest")],
)
async def test_a_channel_has_its_own_webhook(peer: HttpPeer, wanted: str, path: str) -> None:
    urls = {"#leads": peer.url("/leads"), "*": peer.url("/rest")}

    await channel(peer, urls=urls).send(SlackMessage(text="t", channel=wanted), EFFECT)

    assert [asked.path for asked in peer.requests] == [path]


@pytest.mark.parametrize("wanted", ["#ops", ""])
async def test_a_channel_that_nobody_named_is_refused_in_words(peer: HttpPeer, wanted: str) -> None:
    slack = channel(peer, urls={"#leads": peer.url("/leads")})

    with pytest.raises(Reject, match=f"No webhook is named for the Slack channel '{wanted}") as no:
        await slack.send(SlackMessage(text="t", channel=wanted), EFFECT)

    assert (no.value.code, peer.requests) == ("unknown_channel", [])


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (reply(400, b"invalid_payload"), Reject, r"answered 400 \(invalid_payload\)"),
        (reply(404, b"channel_not_found"), Reject, r"answered 404 \(channel_not_found\)"),
        (reply(404, b"no_service"), Reject, r"answered 404 \(no_service\)"),
        (reply(410, b"channel_is_archived"), Reject, r"\(channel_is_archived\)"),
        (reply(403, b"<h1>" + PATH.encode()), Reject, r"answered 403\.$"),
        (reply(429, b"rate_limited", {"Retry-After": "30"}), RetryLater, "not before 30 s"),
        (reply(429), NotSentError, "answered 429"),
        (reply(500, b"rollup_error"), DeliveryError, r"answered 500 \(rollup_error\)"),
        (reply(200, b"no_text"), Reject, "refused the message: no_text"),
        (reply(200, b'{"ok":false,"error":"no_text"}'), Reject, "refused the message: no_text"),
        (reply(200, b"<html>sign in</html>"), Reject, "answered 200, and not ok"),
        (reply(200, b"rate_limited"), NotSentError, "takes no more"),
        (redirect("/elsewhere"), Reject, "follow no redirect"),
        (reset(), HttpError, "127.0.0.1"),
        (raw(b"SMTP ready\r\n\r\n"), HttpError, "127.0.0.1"),
        (endless(b"HTTP/1.1 200 X\r\n\r\n"), TooLargeError, "127.0.0.1"),
    ],
)
async def test_what_slack_says_decides_what_becomes_of_a_message(
    peer: HttpPeer, answer: Behaviour, error: type[Exception], said: str
) -> None:
    peer.on(PATH, answer)

    with pytest.raises(error, match=said) as caught:
        await channel(peer).send(MESSAGE, EFFECT)

    assert "marker" not in repr(caught.value)
    assert len(peer.requests) == 1


async def test_slack_that_never_answers_is_left(peer: HttpPeer) -> None:
    peer.on(PATH, silent())

    with pytest.raises(HttpDeadlineError):
        await channel(peer, deadline_s=0.2).send(MESSAGE, EFFECT)


async def test_nobody_listens() -> None:
    async with HttpPeer() as gone:
        slack = channel(gone)

    with pytest.raises(NotReachedError):
        await slack.send(MESSAGE, EFFECT)


async def test_a_webhook_within_needs_to_be_opened(peer: HttpPeer) -> None:
    with pytest.raises(Reject, match="The webhook cannot be used") as caught:
        await SlackChannel(peer.url(PATH)).send(MESSAGE, EFFECT)

    assert caught.value.code == "private_address"
    assert "marker" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "hooks.slack.com/marker", "ftp://a/marker", "https://[/marker"]
)
def test_what_is_no_webhook_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match="webhook of the Slack channel '#a' is no") as told:
        SlackChannel({"#a": url})

    assert "marker" not in str(told.value)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"ok", "ok"),
        (b"ok\n", "ok"),
        (b'{"ok": true}', "ok"),
        (b'{"ok": false, "error": "no_text"}', "no_text"),
        (b'{"ok": false}', ""),
        (b'"ok"', "ok"),
        (b"<html>", ""),
        (b"", ""),
        (b"\xff\xfe", ""),
        (b"[" * 5000, ""),
        (b"a" * 61, ""),
        (b"7", ""),
    ],
)
def test_only_a_word_of_slacks_is_repeated(body: bytes, word: str) -> None:
    assert slacks_word(body) == word
