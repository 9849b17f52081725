"""What is new: a cursor and a listing to what is told, and to the next cursor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamagents.monitors.item import Item
from streamagents.monitors.news import Known, find_news, next_known, same_place

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = datetime(2026, 11, 3, tzinfo=UTC)


def post(n: int | str, **fields: Any) -> Item:
    return Item(**{"id": f"p{n}", "title": f"Post {n}", "url": f"https://a.example/{n}", **fields})


class Reader:
    """A source's reader: what it tells of one listing after the other."""

    def __init__(self, **policy: Any) -> None:
        self.known: Known | None = None
        self.policy = {"most": 100, "begun_at": NOW, **policy}
        self.held = 0

    def reads(self, *listing: Item) -> list[str]:
        news = find_news(listing, self.known, **self.policy)
        self.known = Known.read(next_known(news, self.known).text())  # through the state
        self.held = len(news.held)
        return [fresh.id for fresh in news.fresh]


@pytest.mark.parametrize(
    ("first", "told"),
    [
        ("from_now", []),
        ("all", ["p1", "p2", "p3"]),
        (0, []),
        (2, ["p2", "p3"]),
        (9, ["p1", "p2", "p3"]),
    ],
)
def test_the_first_listing_means_what_was_asked_for(first: Any, told: list[str]) -> None:
    reader = Reader(first=first)

    assert reader.reads(post(3), post(2), post(1)) == told
    assert reader.reads(post(4), post(3), post(2)) == ["p4"]


def test_news_are_told_oldest_first_whichever_way_they_are_listed() -> None:
    dated = [post(n, published=NOW + timedelta(days=n)) for n in range(4)]
    for listing in (dated, dated[::-1]):
        reader = Reader()
        reader.reads(*listing[-1:])
        reader = Reader(first="all")
        assert reader.reads(*listing) == ["p0", "p1", "p2", "p3"]


@pytest.mark.parametrize("first", ["all", 2])
def test_what_is_pinned_at_the_top_turns_nothing_round(first: Any) -> None:
    pinned = post(9, published=NOW - timedelta(days=300))
    dated = [post(n, published=NOW + timedelta(days=n)) for n in range(4)]

    told = Reader(first=first).reads(pinned, *dated[::-1])

    assert told == {"all": ["p0", "p1", "p2", "p3", "p9"], 2: ["p3", "p9"]}[first]


def test_what_is_reordered_re_dated_or_gone_for_a_while_is_no_news() -> None:
    reader = Reader()
    reader.reads(post(3), post(2), post(1))

    assert reader.reads(post(1), post(3), post(2)) == []
    assert reader.reads(post(3, published=NOW), post(2, published=NOW)) == []
    assert reader.reads() == []
    assert reader.reads(post(3), post(2), post(1)) == []


def test_an_edited_item_is_news_only_where_that_is_wanted() -> None:
    silent, telling = Reader(), Reader(on_update="emit")
    for reader in (silent, telling):
        reader.reads(post(1))

    assert silent.reads(post(1, text="edited")) == []
    (edited,) = telling.reads(post(1, text="edited"))
    assert edited.startswith("p1@")
    assert telling.reads(post(1, text="edited")) == []
    assert telling.reads(post(1)) == []  # it was so before: the same event


def test_what_stands_twice_in_a_listing_is_told_once() -> None:
    reader = Reader(first="all")

    assert reader.reads(post(1), post(1), post(1, title="again")) == ["p1"]


def alike(*numbers: int) -> list[Item]:
    """Items of a source that gives all of them one id, such as its own address."""
    return [post(n, id="https://a.example/") for n in numbers]


def test_items_that_share_an_id_and_nothing_else_are_told_apart() -> None:
    reader = Reader(first="all")

    assert len(set(reader.reads(*alike(3, 2, 1)))) == 3
    assert reader.reads(*alike(3, 2, 1)) == []
    assert len(reader.reads(*alike(4, 3, 2))) == 1
    assert reader.reads(*alike(2, 4, 3)) == []
    assert reader.reads(*alike(4)) == []
    assert len(reader.reads(*alike(5, 4))) == 1


def test_a_listing_that_jumps_shows_nothing_twice() -> None:
    reader = Reader()
    reader.reads(*(post(n) for n in range(100, 0, -1)))
    for offset in (50, 150, 20, 250, 0):
        reader.reads(*(post(n) for n in range(offset + 50, offset, -1)))

    assert reader.reads(*(post(n) for n in range(300, 250, -1))) == []


def test_items_without_ids_go_by_link_then_by_content() -> None:
    reader = Reader(first="all")
    linked, bare = post(1, id=""), Item(title="a", text="b")

    assert reader.reads(bare, linked, Item()) == ["https://a.example/1", bare.id]
    assert reader.reads(Item(title="a", text="b"), post(1, id="", title="c")) == []


NEW_GUIDS = {
    "https": lambda n: {"id": f"https://a.example/{n}", "url": f"https://a.example/{n}"},
    "tracking": lambda n: {"id": f"x{n}", "url": f"http://a.example/{n}?utm_source=x&utm_medium=y"},
    "another host, dated": lambda n: {"id": f"b{n}", "url": f"https://b.example/{n}"},
}


@pytest.mark.parametrize("change", NEW_GUIDS.values(), ids=NEW_GUIDS)
def test_a_source_that_gives_all_its_items_new_ids_does_not_flood(change: Any) -> None:
    reader = Reader()
    items = [post(n, url=f"http://a.example/{n}", published=NOW) for n in range(20, 0, -1)]
    reader.reads(*items)

    again = [post(n, published=NOW, **change(n)) for n in range(21, 1, -1)]
    assert reader.reads(*again) == [again[0].id]
    assert reader.reads(*again) == []


@pytest.mark.parametrize("change", NEW_GUIDS.values(), ids=NEW_GUIDS)
def test_what_is_pinned_may_keep_its_id_where_all_others_get_new_ones(change: Any) -> None:
    reader = Reader()
    pinned = post(99, published=NOW)
    items = [post(n, url=f"http://a.example/{n}", published=NOW) for n in range(20, 0, -1)]
    reader.reads(pinned, *items)

    again = [post(n, published=NOW, **change(n)) for n in range(21, 1, -1)]
    assert reader.reads(pinned, *again) == [again[0].id]


def test_a_source_of_one_item_tells_each_of_them() -> None:
    reader = Reader()
    reader.reads(post(1, url="https://status.example/"))

    assert reader.reads(post(2, url="https://status.example/")) == ["p2"]


def test_a_flood_comes_in_portions_and_nothing_of_it_is_lost() -> None:
    reader = Reader(most=10)
    reader.reads(post(0))
    flood = [post(n) for n in range(25, 0, -1)]

    portions = [(reader.reads(*flood), reader.held) for _ in range(4)]

    assert [len(told) for told, _ in portions] == [10, 10, 5, 0]
    assert [held for _, held in portions] == [15, 5, 0, 0]
    assert [id_ for told, _ in portions for id_ in told] == [f"p{n}" for n in range(1, 26)]


def test_a_source_that_was_in_trouble_at_first_does_not_flood() -> None:
    reader = Reader()
    reader.reads()
    old = [post(n, published=NOW - timedelta(days=n)) for n in range(1, 9)]

    assert reader.reads(*old) == []
    assert reader.reads(post("new", published=NOW), *old) == ["pnew"]


def test_the_first_item_of_an_empty_source_is_news() -> None:
    reader = Reader()
    reader.reads()

    assert reader.reads(post(1, published=NOW)) == ["p1"]


def test_what_is_remembered_has_a_bound_that_fits_into_a_state_value() -> None:
    known = None
    for batch in range(20):
        listing = [post(f"{batch}-{n}") for n in range(2000)]
        known = next_known(find_news(listing, known, begun_at=NOW, most=2000), known)

    assert known is not None
    assert len(known.marks) == 8000
    assert len(known.text()) < 200_000


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://www.a.example/x/?utm_source=a&b=1&fbclid=2#top", "a.example/x/?b=1"),
        ("HTTP://a.example/x/", "a.example/x"),
        ("https://a.example/?utm_source=x", "a.example"),
        ("not a url", "not a url"),
        ("", ""),
    ],
)
def test_a_place_stays_the_same_whatever_is_added_to_its_url(url: str, place: str) -> None:
    assert same_place(url) == place


@given(st.lists(st.lists(st.integers(0, 40), max_size=15), max_size=12), st.integers(1, 5))
def test_nothing_is_told_twice_and_what_stays_listed_is_told(
    listings: Sequence[Sequence[int]], most: int
) -> None:
    reader, told = Reader(first="all", most=most), []
    for listing in listings:
        told += reader.reads(*(post(n) for n in listing))
    last = listings[-1] if listings else []
    for _ in range(len(last)):
        told += reader.reads(*(post(n) for n in last))

    assert len(told) == len(set(told))
    assert {f"p{n}" for n in last} <= set(told)
