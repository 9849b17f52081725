"""The loop: tick after tick, what a monitor tells, remembers, and says of itself."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from streamagents import Event
from streamagents.errors import PollError
from streamagents.monitors import (
    FeedMonitor,
    Item,
    Monitor,
    MonitorFailing,
    MonitorItemDropped,
    MonitorRecovered,
)
from streamagents.monitors.monitor import slot_of
from support.http_peer import raw, redirect, reply
from support.looking import BEGINNING, Looker

if TYPE_CHECKING:
    from streamagents.monitors import Visit
    from support.http_peer import Asked, HttpPeer, Writer


class Post(Event, topic="post", key="title"):
    title: str
    url: str | None = None


def feed(*numbers: int, **fields: Any) -> bytes:
    entries = (
        f"<item><guid>{n}</guid><title>{fields.get('title', n)}</title></item>" for n in numbers
    )
    return f"<rss><channel>{''.join(entries)}</channel></rss>".encode()


def looker(peer: HttpPeer, monitor: Monitor | None = None, **common: Any) -> Looker:
    monitor = monitor or FeedMonitor("beta", peer.url("/feed"), to=Post, **common)
    return Looker(monitor, private=[peer.host])


async def test_what_is_new_is_emitted_once_under_the_items_id(peer: HttpPeer) -> None:
    beta = looker(peer)
    peer.on("/feed", reply(200, feed(2, 1)))
    assert await beta.seen() == []
    peer.on("/feed", reply(200, feed(4, 3, 2, 1)))

    ctx = await beta.look()

    assert ctx.emitted == [Post(title="3"), Post(title="4")]
    assert ctx.emitted_ids == ["beta:3", "beta:4"]
    assert await beta.seen() == []
    assert beta.outcomes == ["unchanged", "ok", "unchanged"]
    assert beta.loop.source == "monitor/beta"
    assert set(beta.loop.emits) == {Post, MonitorFailing, MonitorRecovered, MonitorItemDropped}


async def test_it_says_who_it_is_and_asks_with_what_it_was_given(peer: HttpPeer) -> None:
    beta = looker(peer)
    said = {"ETag": '"abc"', "Last-Modified": "Mon, 02 Nov 2026 10:00:00 GMT"}
    peer.on("/feed", reply(200, feed(1), said))
    await beta.look()
    peer.on("/feed", reply(304))
    await beta.look()

    first, second = peer.requests
    assert "if-none-match" not in first.headers
    assert second.headers["if-none-match"] == '"abc"'
    assert second.headers["if-modified-since"] == "Mon, 02 Nov 2026 10:00:00 GMT"
    assert second.headers["user-agent"].startswith("streamagents/0.")
    assert second.headers["user-agent"].endswith(" (+ann@example.com)")
    assert beta.outcomes == ["unchanged", "unchanged"]


async def test_once_a_day_it_wants_all_of_it_whatever_the_server_says(peer: HttpPeer) -> None:
    beta = looker(peer)
    peer.on("/feed", reply(200, feed(1), {"ETag": '"same"'}))
    await beta.look()
    peer.on("/feed", reply(304))
    await beta.look()
    await beta.look(86_400)

    assert ["if-none-match" in asked.headers for asked in peer.requests] == [False, True, False]
    assert beta.outcome == "failed"  # 304 to who asked for all of it


async def test_what_was_held_back_is_asked_for_again(peer: HttpPeer) -> None:
    beta = looker(peer, most=2, first="all")
    peer.on("/feed", reply(200, feed(5, 4, 3, 2, 1), {"ETag": '"same"'}))

    told = [await beta.seen() for _ in range(4)]

    assert told == [["beta:1", "beta:2"], ["beta:3", "beta:4"], ["beta:5"], []]
    assert ["if-none-match" in asked.headers for asked in peer.requests] == [False] * 3 + [True]


@pytest.mark.parametrize("framing", [b"Content-Length: 5\r\n\r\nhello", b"\r\nhello"])
async def test_a_server_whose_304_is_broken_is_asked_for_all_of_it(
    framing: bytes, peer: HttpPeer
) -> None:
    beta = looker(peer)
    numbers = [1]

    async def odd(asked: Asked, writer: Writer) -> None:
        if "if-none-match" in asked.headers:
            await raw(b"HTTP/1.1 304 Not Modified\r\n" + framing)(asked, writer)
        else:
            await reply(200, feed(*numbers), {"ETag": '"a"'})(asked, writer)

    peer.on("/feed", odd)
    await beta.look()
    numbers.insert(0, 2)

    assert await beta.seen() == ["beta:2"]
    assert [await beta.seen() for _ in range(3)] == [[], [], []]
    assert set(beta.outcomes) == {"ok", "unchanged"}


@pytest.mark.parametrize("validator", ["x" * 600, "a\x80b", ""])
async def test_a_validator_that_cannot_be_sent_back_is_forgotten(
    validator: str, peer: HttpPeer
) -> None:
    beta = looker(peer)
    peer.on("/feed", reply(200, feed(1), {"ETag": validator}))
    await beta.look()
    await beta.look()

    assert "if-none-match" not in peer.requests[-1].headers
    assert beta.outcome == "unchanged"


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (reply(500), "answers with 500"),
        (reply(404), "answers with 404"),
        (reply(304), "answers with 304"),
        (reply(503), "answers with 503"),
        (reply(200), "answers with nothing"),
        (reply(200, b"<html>hello"), "answers with HTML"),
        (raw(b"SSH-2.0-OpenSSH\r\n\r\n"), "no HTTP"),
        (redirect("/feed"), "redirects once more after 5 times"),
        (redirect("http://10.0.0.1/feed"), "leads to a private address"),
        (redirect("http://169.254.169.254/"), "never open"),
        (redirect("file:///etc/passwd"), "http:// or https://"),
        (reply(200, b"x" * 5_000_000), "announces more than 4194304 bytes"),
        (reply(200, b"x", {"Content-Encoding": "br"}), "encoding that it was not asked for"),
    ],
)
async def test_what_cannot_be_read_is_a_failed_poll_and_no_failed_tick(
    behaviour: Any, words: str, peer: HttpPeer
) -> None:
    beta = looker(peer)
    peer.on("/feed", reply(200, feed(1)))
    await beta.look()
    peer.on("/feed", behaviour)

    ctx = await beta.look()

    assert (ctx.emitted, beta.outcome) == ([], "failed")
    (line,) = ctx.logs
    assert (line["event"], line["log_level"], line["outcome"]) == ("polled", "warning", "failed")
    assert words in line["error"]
    peer.on("/feed", reply(200, feed(2, 1)))
    assert await beta.seen() == ["beta:2"]


async def test_http_1_0_is_spoken(peer: HttpPeer) -> None:
    beta = looker(peer, first="all")
    peer.on("/feed", raw(b"HTTP/1.0 200 OK\r\n\r\n" + feed(1)))

    assert await beta.seen() == ["beta:1"]


async def test_a_monitor_that_fails_backs_off_is_told_of_once_and_so_is_its_recovery(
    peer: HttpPeer,
) -> None:
    beta = looker(peer, fails=3)
    peer.on("/feed", reply(200, feed(1), {"ETag": '"1"'}))
    await beta.look()
    peer.on("/feed", reply(500))
    began = beta.later(seconds=900)

    told = [event for _ in range(20) for event in await beta.told()]

    # After 15, 30 and 60 minutes, then every hour.
    assert (
        beta.outcomes[1:12]
        == ["failed"]
        + ["failed", "skipped"]
        + ["failed"]
        + [
            "skipped",
            "skipped",
            "skipped",
            "failed",
        ]
        + ["skipped"] * 3
    )
    (failing,) = told
    assert failing == MonitorFailing(
        monitor="beta", failures=3, since=began, reason=f"{peer.host} answers with 500."
    )
    peer.on("/feed", reply(200, feed(2, 1)))
    told = [event for _ in range(4) for event in await beta.told()]
    assert [type(event) for event in told] == [MonitorRecovered, Post]
    assert await beta.told() == []


@pytest.mark.parametrize(
    ("status", "after", "skipped"),
    [(429, "3600", 3), (503, "3600", 3), (429, "", 0), (429, "soon", 0), (429, "0", 0)],
)
async def test_a_host_that_asks_for_it_is_left_alone(
    status: int, after: str, skipped: int, peer: HttpPeer
) -> None:
    beta = looker(peer)
    peer.on("/feed", reply(status, b"", {"Retry-After": after}))
    await beta.look()
    peer.on("/feed", reply(200, feed(1)))

    for _ in range(skipped + 1):
        await beta.look()

    assert beta.outcomes == ["throttled"] + ["skipped"] * skipped + ["unchanged"]
    assert len(peer.requests) == 2


async def test_no_host_is_left_alone_for_longer_than_a_day(peer: HttpPeer) -> None:
    beta = looker(peer)
    peer.on("/feed", reply(429, b"", {"Retry-After": "9" * 30}))
    await beta.look()
    peer.on("/feed", reply(200, feed(1)))

    await beta.look(86_399)
    assert beta.outcome == "skipped"
    await beta.look()
    assert beta.outcome == "unchanged"


async def test_another_monitor_of_the_host_waits_with_it(peer: HttpPeer) -> None:
    beta = looker(peer)
    peer.on("/feed", reply(429, b"", {"Retry-After": "7200"}))
    await beta.look()
    other = looker(peer)
    other.loop._web = beta.web
    await other.look()

    assert other.outcome == "throttled"
    assert len(peer.requests) == 1


async def test_ticks_that_are_late_doubled_or_of_the_past_are_skipped(peer: HttpPeer) -> None:
    beta = looker(peer)
    peer.on("/feed", reply(200, feed(1)))
    await beta.look()
    now = beta.clock.now()

    await beta.look(0)  # the same slot
    await beta.look(slot=beta.loop.slot(now))  # by now there is a later one
    await beta.look(0)

    assert beta.outcomes == ["unchanged", "skipped", "skipped", "unchanged"]


async def test_a_clock_that_was_ahead_does_not_silence_a_monitor(peer: HttpPeer) -> None:
    beta = looker(peer)
    peer.on("/feed", reply(200, feed(1)))
    await beta.look(30 * 86_400)
    beta.clock = type(beta.clock)(BEGINNING)

    await beta.look()

    assert beta.outcomes == ["unchanged", "unchanged"]


# -- what users write ----------------------------------------------------------------------------


class Fussy:
    """An event function that cannot bear some items."""

    def __init__(self, *hated: str) -> None:
        self.hated = set(hated)

    def __call__(self, item: Item) -> Post | None:
        if item.title in self.hated:
            raise ValueError(f"not {item.title}")
        return None if item.title == "boring" else Post(title=item.title)


async def test_one_bad_item_holds_nobody_up_and_is_tried_again(peer: HttpPeer) -> None:
    fussy = Fussy("2")
    beta = looker(peer, FeedMonitor("beta", peer.url("/feed"), event=fussy, first="all"))
    peer.on("/feed", reply(200, feed(3, 2, 1), {"ETag": '"1"'}))

    ctx = await beta.look()
    assert ctx.emitted_ids == ["beta:1", "beta:3"]
    assert [line["event"] for line in ctx.logs] == ["item_failed", "polled"]
    assert "ValueError: not 2 (at test_loop.py:" in ctx.logs[0]["error"]
    fussy.hated.clear()

    assert await beta.seen() == ["beta:2"]
    assert await beta.seen() == []


@pytest.mark.parametrize("leaves", [False, True])
async def test_an_item_that_stays_bad_is_told_of_and_dropped(
    leaves: bool,  # noqa: FBT001 - a case
    peer: HttpPeer,
) -> None:
    beta = looker(peer, FeedMonitor("beta", peer.url("/feed"), event=Fussy("2"), first="all"))
    peer.on("/feed", reply(200, feed(3, 2, 1)))
    told = [await beta.told()]
    peer.on("/feed", reply(200, feed(3, 1) if leaves else feed(3, 2, 1)))

    told += [await beta.told() for _ in range(4)]

    dropped = [event for events in told[1:] for event in events]
    assert [type(event) for event in dropped] == [MonitorItemDropped]
    assert dropped[0].model_dump(exclude={"reason"}) == {
        "monitor": "beta",
        "item": "2",
        "url": None,
    }


async def test_a_function_that_fails_for_all_items_fails_the_poll_and_loses_none(
    peer: HttpPeer,
) -> None:
    fussy = Fussy("1", "2", "3")
    beta = looker(peer, FeedMonitor("beta", peer.url("/feed"), event=fussy, first="all", fails=2))
    peer.on("/feed", reply(200, feed(3, 2, 1), {"ETag": '"1"'}))
    assert await beta.told() == []
    (failing,) = await beta.told()
    assert isinstance(failing, MonitorFailing)
    assert failing.reason.startswith(
        "No event can be made of 3 items. The first: ValueError: not 1 (at test_loop.py:"
    )
    fussy.hated.clear()

    await beta.look()
    told = await beta.seen()
    assert told[1:] == ["beta:1", "beta:2", "beta:3"]


class Broken(Monitor):
    """Has a fault of its own, or what a test wants."""

    does: Any = None

    async def look(self, visit: Visit) -> list[Item]:
        found: list[Item] = self.does(visit)
        return found


def _explodes(visit: Visit) -> Any:
    return visit.memory["there"]


def _hoards(visit: Visit) -> Any:
    visit.memory["all"] = "x" * 2_000_000
    return [Item(id="1")]


def _keeps_objects(visit: Visit) -> Any:
    visit.memory["all"] = object()
    return [Item(id="1")]


def _returns_nothing(visit: Visit) -> Any:
    return None


def _says_so(visit: Visit) -> Any:
    raise PollError("The moon is in the way.")


@pytest.mark.parametrize(
    ("does", "words"),
    [
        (_explodes, "The monitor has a fault: KeyError: 'there' (at test_loop.py:"),
        (_returns_nothing, "The monitor has a fault: TypeError"),
        (_hoards, "keeps 2,000,010 bytes; it may keep 1,048,576"),
        (_keeps_objects, "What the monitor keeps is no JSON"),
        (_says_so, "The moon is in the way."),
    ],
)
async def test_a_monitors_own_fault_is_a_failed_poll(does: Any, words: str) -> None:
    monitor = Broken("own", to=Post, first="all")
    monitor.does = does
    own = Looker(monitor)

    ctx = await own.look()

    assert (own.outcome, ctx.emitted) == ("failed", [])
    assert words in ctx.logs[-1]["error"]
    assert "memory" not in own.values


async def test_an_event_that_is_too_large_is_dropped_and_told_of(peer: HttpPeer) -> None:
    def large(item: Item) -> Post:
        return Post(title="x" * (7_000_000 if item.title == "2" else 1))

    large.__annotations__["return"] = Post
    beta = looker(peer, FeedMonitor("beta", peer.url("/feed"), event=large, first="all"))
    peer.on("/feed", reply(200, feed(3, 2, 1)))

    assert await beta.seen() == ["beta:1", "beta:3", "beta:dropped:2"]
    assert await beta.seen() == []


async def test_a_look_has_a_deadline(peer: HttpPeer) -> None:
    async def behave(*_: Any) -> None:
        await asyncio.Event().wait()

    beta = looker(peer, timeout_s=0.2)
    peer.on("/feed", behave)

    ctx = await beta.look()

    assert ctx.logs[-1]["error"] == "It took longer than 0.2 s."


def test_slots_are_the_same_everywhere_and_spread_by_name() -> None:
    slots = {slot_of(f"m{n}", 900, BEGINNING) for n in range(100)}
    assert len(slots) > 95
    one = slot_of("beta", 900, BEGINNING)
    assert one <= BEGINNING < one + timedelta(seconds=900)
    for slot in slots:
        name = next(f"m{n}" for n in range(100) if slot_of(f"m{n}", 900, BEGINNING) == slot)
        assert slot_of(name, 900, slot) == slot
        before = slot - timedelta(microseconds=1)
        assert slot_of(name, 900, before) == slot - timedelta(seconds=900)
