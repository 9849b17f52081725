"""Slack's blocks: what others wrote is text, and nothing but text."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from streamagents.actions import SlackLink, SlackMessage
from streamagents.actions.blocks import cut, linked, marked
from streamagents.actions.slack import payload

HOSTILE = [
    "<!channel> <!here> <!everyone>",
    "<@U024BE7LH> <#C024BE7LR> <!subteam^S12>",
    "@channel @here @everyone hello",
    "(@channel) \n@here",
    "<https://evil.example|your bank>",
    "&lt;!channel&gt;",
    "a > b & c < d",
]


def texts(message: object) -> list[str]:
    """Every text that Slack would read."""
    if isinstance(message, dict):
        own = [message["text"]] if isinstance(message.get("text"), str) else []
        return own + [text for value in message.values() for text in texts(value)]
    if isinstance(message, list):
        return [text for value in message for text in texts(value)]
    return []


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("where", ["text", "title", "draft", "fields", "name", "label", "url"])
def test_nothing_that_others_wrote_pings_or_links(text: str, where: str) -> None:
    given: dict[str, Any] = {"text": "t"}
    if where == "fields":
        given["fields"] = {"n": text}
    elif where == "name":
        given["fields"] = {text: "v"}
    elif where in {"label", "url"}:
        link = {"url": "https://shop.example/a", "label": "l", where: text}
        given["link"] = SlackLink(**link)
    else:
        given[where] = text

    sent = payload(SlackMessage(**given))

    ours = "<https://shop.example/a|"
    for said in texts(sent):
        plain = said.replace(ours, "", 1) if where == "label" else said
        plain = plain.replace("> (shop.example)", "", 1) if where == "label" else plain
        if not _is_header(sent, said):
            assert "<" not in plain
            assert ">" not in plain
        assert not re.search(r"(?<!\w)@(channel|here|everyone)", said)
    assert (sent["parse"], sent["link_names"], sent["unfurl_links"]) == ("none", False, False)


def _is_header(sent: dict[str, Any], said: str) -> bool:
    """A header is plain text: Slack reads nothing in it."""
    return any(one["text"]["text"] == said for one in sent["blocks"] if one["type"] == "header")


def test_mrkdwn_is_taken_as_it_is_written() -> None:
    sent = payload(SlackMessage(text="t", draft="d", fields={"a": "b"}))

    marks = [text for text in json.dumps(sent).split("{") if '"mrkdwn"' in text]
    assert len(marks) == 3
    assert all('"verbatim": true' in text for text in marks)


def test_a_message_has_its_parts_in_order() -> None:
    message = SlackMessage(
        title="A mention",
        text="They say *so*",
        fields={"Where": "news.example", "Tone": "angry"},
        draft="We are sorry",
        link=SlackLink(url="https://news.example/a?b=1&c=2", label="Read it"),
    )

    sent: Any = payload(message)

    assert sent["text"] == "A mention\nThey say *so*"
    head, text, fields, draft, link = sent["blocks"]
    assert head == {"type": "header", "text": {"type": "plain_text", "text": "A mention"}}
    assert text["text"]["text"] == "They say *so*"
    assert [one["text"] for one in fields["fields"]] == [
        "*Where*\nnews.example",
        "*Tone*\nangry",
    ]
    assert draft["text"]["text"] == "*Draft*\nWe are sorry"
    assert link["text"]["text"] == ("<https://news.example/a?b=1&amp;c=2|Read it> (news.example)")


@pytest.mark.parametrize("filler", ["x", "&", "<", "😀", "ü\n", "@a "])
def test_everything_fits_into_slacks_limits_and_says_that_it_was_cut(filler: str) -> None:
    long = filler * 9000
    message = SlackMessage(
        text=long,
        title=long,
        draft=long,
        fields={f"{number} {long}": long for number in range(700)},
        link=SlackLink(url="https://shop.example/", label=long),
    )

    sent: Any = payload(message)

    assert len(sent["blocks"]) == 15
    for one in sent["blocks"]:
        if one["type"] == "header":
            assert _size(one["text"]["text"]) <= 150
            assert one["text"]["text"].endswith("…")
        for field in one.get("fields", []):
            assert _size(field["text"]) <= 2000
            assert field["text"].endswith("…")
        assert len(one.get("fields", [])) <= 10
        if one["type"] == "section" and "text" in one:
            assert 0 < _size(one["text"]["text"]) <= 3000
    assert _size(sent["text"]) <= 3000
    assert any(text.startswith("… and ") for text in texts(sent))
    assert "&am…" not in json.dumps(sent, ensure_ascii=False)


def _size(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def test_fields_that_do_not_fit_are_counted() -> None:
    sent: Any = payload(SlackMessage(text="t", fields={str(n): "v" for n in range(500)}))

    assert sum(len(one.get("fields", [])) for one in sent["blocks"]) == 100
    assert sent["blocks"][-1]["text"]["text"] == "… and 400 more"


@pytest.mark.parametrize("text", ["", " \n "])
def test_a_message_without_words_says_so(text: str) -> None:
    assert payload(SlackMessage(text=text)) == {
        "text": "(no text)",
        "blocks": [],
        "link_names": False,
        "parse": "none",
        "unfurl_links": False,
        "unfurl_media": False,
    }


@pytest.mark.parametrize(
    ("url", "label", "shown"),
    [
        ("https://a.example/x", "here", "<https://a.example/x|here> (a.example)"),
        ("http://a.example", "", "<http://a.example|a.example>"),
        ("https://a.example/x|y z>", "l|m", "<https://a.example/x%7Cy%20z%3E|l¦m> (a.example)"),
        ("https://a.example/%41?q=ü", "l", "<https://a.example/%41?q=%C3%BC|l> (a.example)"),
        ("javascript:alert(1)", "here", "here: javascript:alert(1)"),
        ("data:text/html,<b>", "", "data:text/html,&lt;b&gt;"),
        ("https://bank.example@evil.example/", "x", "x: https://bank.example@\u2060evil.example/"),
        ("https:///nowhere", "x", "x: https:///nowhere"),
        ("https://[::1", "x", "x: https://[::1"),
        ("", "", "-"),
    ],
)
def test_only_an_address_of_the_web_becomes_a_link(url: str, label: str, shown: str) -> None:
    assert linked(url, label).replace("\u2060", "") == shown.replace("\u2060", "")


@pytest.mark.parametrize(
    ("text", "room", "shown"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("a&b", 7, "a&amp;b"),
        ("a&b", 6, "a…"),
        ("a&bc", 7, "a&amp;…"),
        ("a&b", 5, "a…"),
        ("😀😀", 4, "😀😀"),
        ("😀😀", 3, "😀…"),
        ("", 3, ""),
    ],
)
def test_a_cut_never_goes_through_a_character(text: str, room: int, shown: str) -> None:
    assert cut(text, room, escape=True) == shown


def test_an_address_of_e_mail_is_no_mention() -> None:
    assert marked("write to ann.b@example.com", 100) == "write to ann.b@example.com"
