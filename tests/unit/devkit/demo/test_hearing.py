"""What the world of the demo brought: found in Kafka, and counted by where it came from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamagents.devkit.demo.facts import Arrived, Content, facts_of
from streamagents.devkit.demo.hearing import Hearing
from streamagents.devkit.demo.summary import Counts, Evidence, summarize
from streamagents.ports import Position
from support.demo import INBOX, PLACES, Written, mark

if TYPE_CHECKING:
    from streamagents.devkit.demo.summary import Sent


@dataclass(frozen=True, kw_only=True)
class Ear:
    name: str
    source: str
    events: int
    type: str = "lead"
    id: str | None = None


FEED = Ear(name="feed", source="monitor/feed-1", events=2)
HOOK = Ear(name="webhook", source="hooks/stripe", events=1, id="evt_1")


def hearing() -> Hearing:
    return Hearing([FEED, HOOK], {"lead": "lead"})


def arrived(source: str, id_: str = "i", offset: int = 0) -> Arrived:
    content = Content(key=None, value=b"{}", headers=())
    place = Position("lead", 0, offset)
    return Arrived(topic="lead", id=id_, source=source, position=place, content=content)


def written(source: str, *more: tuple[str, bytes]) -> Written:
    headers = (("ce_id", b"i-1"), ("ce_source", source.encode()), *more)
    return Written(topic="lead", partition=0, offset=4, key=b"k", value=b"{}", headers=headers)


def test_a_record_that_a_trigger_wrote_has_arrived() -> None:
    (fact,) = facts_of(written("cron/daily"), PLACES)

    assert isinstance(fact, Arrived)
    assert (fact.id, fact.source, fact.position) == ("i-1", "cron/daily", Position("lead", 0, 4))


def test_what_others_wrote_and_what_was_forwarded_has_not() -> None:
    forwarded = ("streamagents-origin", b"lead:1:2")

    assert not facts_of(written("streamagents/send"), PLACES)
    assert not any(
        isinstance(fact, Arrived) for fact in facts_of(written("cron/daily", forwarded), PLACES)
    )


def test_events_are_named_by_their_ear_and_counted() -> None:
    heard = hearing()

    names = [
        one.name if (one := heard.take(fact)) else None
        for fact in (arrived("monitor/feed-1"), arrived("monitor/feed-1", "j"), arrived("cron/x"))
    ]

    assert names == ["feed-1", "feed-2", None]
    assert heard.heard == Counter({"feed": 2, "webhook": 0})


def test_a_source_that_others_share_is_heard_by_one_id_only() -> None:
    heard = hearing()

    assert heard.take(arrived("hooks/stripe", "evt_other")) is None
    assert heard.take(arrived("hooks/stripe", "evt_1")) is not None


def test_what_has_not_come_in_counts_as_lost() -> None:
    heard = hearing()
    one = heard.take(arrived("monitor/feed-1"))
    assert one is not None

    summary = summarize([one], _done(one), inbox=INBOX, awaited=heard.awaited, heard=heard.heard)

    assert heard.missing == ["feed", "webhook"]
    assert summary.total == Counts(produced=3, processed=1, lost=2)
    assert summary.as_dict()["heard"] == {"feed": 1, "webhook": 0}
    assert not summary.good


def test_more_than_was_awaited_is_no_fault() -> None:
    heard = hearing()
    heard.take(arrived("hooks/stripe", "evt_1"))
    heard.take(arrived("hooks/stripe", "evt_1", offset=1))

    assert heard.awaited == Counter({"lead": 2})
    assert heard.missing == ["feed"]


def _done(one: Sent) -> Evidence:
    found = Evidence()
    for fact in facts_of(mark(one), PLACES):
        found.add(fact)
    return found
