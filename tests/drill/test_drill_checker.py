"""The drill's count, on books made by hand: it is green for what happened, red for each fault."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from drill.checker import in_words, judge
from drill.evidence import Evidence, Row
from drill.shapes import Sent

if TYPE_CHECKING:
    from collections.abc import Callable

HIT, SPARED = "c0", "c1"


def sent(n: int, key: str = HIT) -> Sent:
    return Sent(n=n, topic="bill", key=key, value=json.dumps({"n": n, "customer": key}))


def receipt(n: int, count: int, key: str = HIT, offset: int | None = None) -> Row:
    value = json.dumps({"n": n, "of": "bill", "customer": key, "count": count})
    return Row(topic="receipt", partition=0, offset=offset or n, key=key, value=value)


def letter(n: int, key: str = HIT) -> Row:
    return Row(topic="bill.dlq", partition=0, offset=n, key=key, value=sent(n, key).value)


def line(what: str, n: int, t: float, **more: Any) -> dict[str, Any]:
    said = {"topic": "bill", "key": HIT, "version": "3", "replay": "", "pid": 1}
    return {"what": what, "n": n, "t": t, **said, **more}


def good() -> Evidence:
    """Two events, the second of which failed, was paid for once, and came home."""
    return Evidence(
        sent=[sent(1), sent(2)],
        receipts=[receipt(1, 1), receipt(2, 2)],
        letters=[letter(2)],
        journal=[
            line("begin", 1, 1.0),
            line("paid", 1, 1.1),
            line("end", 1, 1.2),
            line("posted", 1, 1.3),
            line("begin", 2, 2.0, version="2"),
            line("paid", 2, 2.1),
            line("failed", 2, 2.2),
            line("begin", 2, 3.0, replay="1"),
            line("end", 2, 3.1),
            line("posted", 2, 3.2),
        ],
    )


def lose_one(books: Evidence) -> None:
    books.receipts.pop()


def answer_twice(books: Evidence) -> None:
    books.receipts.append(receipt(2, 3, offset=9))


def pay_twice(books: Evidence) -> None:
    books.journal.append(line("paid", 2, 3.05))


def post_twice(books: Evidence) -> None:
    books.journal.append(line("posted", 2, 3.3))


def post_nothing(books: Evidence) -> None:
    books.journal.pop()


def forget_a_count(books: Evidence) -> None:
    books.receipts[1] = receipt(2, 1)


def overtake(books: Evidence) -> None:
    books.letters.clear()
    books.receipts.reverse()


def begin_during_another(books: Evidence) -> None:
    books.journal.insert(1, line("begin", 2, 1.05))


def change_a_letter(books: Evidence) -> None:
    books.letters[0] = letter(1)
    books.sent[0] = sent(1, SPARED)


def write_an_unasked_letter(books: Evidence) -> None:
    books.sent.append(sent(3, SPARED))
    books.letters.append(letter(3, SPARED))


def write_two_letters(books: Evidence) -> None:
    books.letters.append(letter(2))


def write_no_letter(books: Evidence) -> None:
    books.letters.clear()
    books.journal = [row for row in books.journal if row["n"] == 1 or row["t"] < 3.0]


def leave_a_letter(books: Evidence) -> None:
    books.open_letters = 1


def leave_a_commit(books: Evidence) -> None:
    books.behind = {"bill:0": [1, 2]}


FAULTS: dict[str, Callable[[Evidence], None]] = {
    "lost": lose_one,
    "answered_twice": answer_twice,
    "paid_twice": pay_twice,
    "posted_twice": post_twice,
    "not_posted": post_nothing,
    "miscounted": forget_a_count,
    "overtaken": overtake,
    "at_once": begin_during_another,
    "letter_changed": change_a_letter,
    "letter_unasked": write_an_unasked_letter,
    "letter_twice": write_two_letters,
    "no_letter": write_no_letter,
    "left": leave_a_letter,
    "not_committed": leave_a_commit,
}


def test_a_drill_in_which_all_came_home_is_green() -> None:
    assert judge(good()) == {}
    assert in_words({}) == "nothing lost, nothing twice, every key in order"


@pytest.mark.parametrize("rule", FAULTS)
def test_each_fault_is_told_by_its_rule(rule: str) -> None:
    books = good()
    FAULTS[rule](books)
    assert rule in judge(books)


def test_a_step_that_a_kill_cut_short_may_be_taken_again() -> None:
    books = good()
    books.journal.insert(0, line("paid", 2, 0.5, pid=9))
    assert "paid_twice" in judge(books)
    books.killed = {9: 0.6}
    assert judge(books) == {}


def test_a_step_that_was_known_long_before_the_kill_may_not() -> None:
    books = good()
    books.journal.insert(0, line("paid", 2, 0.5, pid=9))
    books.killed = {9: 9.0}
    assert "paid_twice" in judge(books)


def test_a_run_that_a_kill_ended_is_no_second_one_at_once() -> None:
    books = good()
    books.journal.insert(0, line("begin", 7, 0.5, pid=9))
    assert "at_once" in judge(books)
    books.killed = {9: 0.9}
    assert judge(books) == {}
