"""Records: in SQLite and in a real PostgreSQL, each effect once."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from streamagents.actions import DatabaseChannel, Effect
from streamagents.errors import ConfigurationError, NotSentError, Reject
from support.databases import OWN, database, execute, put

if TYPE_CHECKING:
    from pathlib import Path

    from streamagents.ports import RecordsReader
    from support.postgres import Postgres

EFFECT = Effect(id="e-1/save", source="streamagents/crm/lead")


async def test_a_record_is_made_and_changed_value_by_value(url: str, leads: str) -> None:
    async with database(url, leads) as records:
        assert await records.find(leads, "ann") is None
        await records.send(put(leads, {"score": 7, "tags": ["a"], "site": None}), Effect(id="1"))
        await records.send(put(leads, {"score": 8, "x": {"y": 1}}), Effect(id="2"))
        await records.send(put(leads, {"score": 1}, key="bob"), Effect(id="3"))

        assert await records.find(leads, "ann") == {
            "score": 8,
            "tags": ["a"],
            "site": None,
            "x": {"y": 1},
        }
        assert await records.find(leads, "bob") == {"score": 1}
    assert await execute(url, f"select key, effect_id from {leads} order by key") == [
        ("ann", "2"),
        ("bob", "3"),
    ]


async def test_an_effect_that_comes_again_changes_nothing(url: str, leads: str) -> None:
    async with database(url, leads) as records:
        await records.send(put(leads, {"score": 7}), Effect(id=leads))
        await records.send(put(leads, {"score": 8}), Effect(id=f"{leads}-later"))
        await records.send(put(leads, {"score": 7}), Effect(id=leads, attempt=2, interrupted=True))

        assert await records.find(leads, "ann") == {"score": 8}
    assert await execute(
        url, f"select count(*) from streamagents_effects where effect_id like '{leads}%'"
    ) == [(2,)]


async def test_the_channel_is_what_tools_look_records_up_with(url: str, leads: str) -> None:
    async with database(url, leads) as records:
        reader: RecordsReader = records
        await records.send(put(leads, {"score": 7}), Effect(id=leads))

        assert await reader.find(leads, "ann") == {"score": 7}


async def test_effects_of_two_sources_are_two(url: str, leads: str) -> None:
    async with database(url, leads) as records:
        await records.send(put(leads, {"a": 1}), Effect(id=leads, source="a"))
        await records.send(put(leads, {"b": 1}), Effect(id=leads, source="b"))

        assert await records.find(leads, "ann") == {"a": 1, "b": 1}


async def test_many_workers_write_each_effect_once_and_lose_no_value(url: str, leads: str) -> None:
    """Two channels are two workers; each effect is sent by both at once."""
    async with database(url, leads) as one, database(url, leads) as two:
        await asyncio.gather(
            *(
                worker.send(put(leads, {f"v{number}": number}), Effect(id=f"{leads}{number}"))
                for number in range(20)
                for worker in (one, two)
            )
        )

        found = await one.find(leads, "ann")
    assert found == {f"v{number}": number for number in range(20)}
    assert await execute(
        url, f"select count(*) from streamagents_effects where effect_id like '{leads}%'"
    ) == [(20,)]


async def test_workers_that_start_together_make_their_tables_once(url: str, leads: str) -> None:
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(database(url, leads)) for _ in range(8)]

        found = await asyncio.gather(*(worker.find(leads, "ann") for worker in workers))

    assert found == [None] * 8


async def test_whoever_writes_waits_in_an_order(tmp_path: Path) -> None:
    """SQLite's own wait has none: under load somebody was always too late."""
    order: list[int] = []
    async with database(f"sqlite:///{tmp_path}/records.db", "leads") as records:

        async def send(number: int) -> None:
            await records.send(put("leads", {}), Effect(id=f"{number}"))
            order.append(number)

        await send(0)  # and what the first one cleans up
        await asyncio.gather(*map(send, range(1, 30)))

    assert order == list(range(30))


async def test_a_write_that_fails_leaves_no_mark(url: str, leads: str) -> None:
    async with database(url, leads) as records:
        await records.send(put(leads, {"a": 1}), Effect(id=f"{leads}-first"))
        await execute(url, f"drop table {leads}")
        with pytest.raises(NotSentError):
            await records.send(put(leads, {"a": 2}), Effect(id=leads))
        assert await execute(
            url, f"select count(*) from streamagents_effects where effect_id = '{leads}'"
        ) == [(0,)]

        await records.send(put(leads, {"a": 2}), Effect(id=leads))  # the table is made again

        assert await records.find(leads, "ann") == {"a": 2}


async def test_a_table_that_is_not_allowed_is_not_touched(url: str, leads: str) -> None:
    async with database(url, leads) as records:
        for table in ("streamagents_effects", "users", f'{leads}"; drop table users; --'):
            with pytest.raises(Reject, match="is none of those") as caught:
                await records.send(put(table, {"a": 1}), EFFECT)
            assert caught.value.code == "table_not_allowed"
            with pytest.raises(Reject):
                await records.find(table, "ann")


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("'; drop table x; --", {"'; drop table x; --": "'; drop table x; --"}),
        ("ann%s:key", {"a": ":b %(c)s"}),
        ("ключ 🔑", {"🔑": "\u2028 \x1b"}),
        ("a" * 500, {"n": 12345678901234567890123, "f": 0.1, "nested": [[[{}]]]}),
    ],
)
async def test_a_value_is_a_value_whatever_it_looks_like(
    url: str, leads: str, key: str, values: dict[str, Any]
) -> None:
    async with database(url, leads) as records:
        await records.send(put(leads, values, key=key), Effect(id=leads))

        assert await records.find(leads, key) == values


@pytest.mark.parametrize(("key", "values"), [("a\0b", {}), ("ann", {"a": "b\0c"})])
async def test_what_postgresql_cannot_keep_is_rejected(
    postgres: Postgres, leads: str, key: str, values: dict[str, Any]
) -> None:
    async with database(postgres.url, leads) as records:
        with pytest.raises(Reject, match="will not take the record") as caught:
            await records.send(put(leads, values, key=key), EFFECT)

    assert caught.value.code == "record_refused"


async def test_effects_are_forgotten_when_nobody_can_repeat_them(url: str, leads: str) -> None:
    now = [datetime(2020, 1, 1, tzinfo=UTC)]
    async with database(url, leads, now=lambda: now[0]) as records:
        for number in range(5):
            await records.send(put(leads, {}), Effect(id=f"{leads}old{number}"))
    now[0] += timedelta(days=46)
    async with database(url, leads, now=lambda: now[0]) as records:
        await records.send(put(leads, {}), Effect(id=f"{leads}new"))

    assert await execute(
        url, f"select effect_id from streamagents_effects where effect_id like '{leads}%'"
    ) == [(f"{leads}new",)]


async def test_a_table_of_a_users_own_gets_values_in_its_columns(url: str, leads: str) -> None:
    await execute(url.replace("/new/", "/"), OWN.format(table=leads))
    url = url.replace("/new/", "/")
    async with database(url, tables={leads: "email"}) as records:
        first = {"score": 7, "seen_at": "2026-11-23T08:00:00", "extra": {"a": [1]}, "ok": True}
        await records.send(put(leads, first), Effect(id=f"{leads}1"))
        await records.send(put(leads, {"rate": 1.25, "email": "ann"}), Effect(id=f"{leads}2"))
        await records.send(put(leads, {}, key="bob"), Effect(id=f"{leads}3"))
        await records.send(put(leads, {"score": 9}), Effect(id=f"{leads}1"))

        found = await records.find(leads, "ann")
        assert found == {
            "email": "ann",
            "score": 7,
            "rate": "1.25",
            "seen_at": "2026-11-23T08:00:00",
            "ok": True,
            "extra": {"a": [1]},
            "note": "none",
        }
        assert (await records.find(leads, "bob") or {})["note"] == "none"
        assert await records.find(leads, "cem") is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"nothing": 1}, "has no column 'nothing'"),
        ({"score": "high"}, "'score' of .* takes int, not this"),
        ({"seen_at": "yesterday"}, "'seen_at' of .* takes datetime, not this"),
        ({"email": "bob"}, "name another email than the key"),
        ({"note": None}, "will not take the record"),
        ({"score": 10**30}, "will not take the record"),
    ],
)
async def test_what_a_users_table_does_not_take_is_rejected(
    url: str, leads: str, values: dict[str, Any], said: str
) -> None:
    url = url.replace("/new/", "/")
    await execute(url, OWN.format(table=leads))
    async with database(url, tables={leads: "email"}) as records:
        with pytest.raises(Reject, match=said) as caught:
            await records.send(put(leads, values), Effect(id=leads))

        assert caught.value.code == "record_refused"
        assert await records.find(leads, "ann") is None
    assert await execute(
        url, f"select count(*) from streamagents_effects where effect_id = '{leads}'"
    ) == [(0,)]


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"leads_none": "email"}, "has no table leads_none"),
        ({"leads_own": "score"}, "'score' of the table leads_own is no key"),
        ({"leads_own": "nothing"}, "'nothing' of the table leads_own is no key"),
        (["leads_own"], "leads_own is there, and has no column data"),
    ],
)
async def test_a_table_of_another_shape_is_told_in_words(
    tmp_path: Path, tables: Any, said: str
) -> None:
    url = f"sqlite:///{tmp_path}/records.db"
    await execute(url, OWN.format(table="leads_own"))
    async with database(url, tables=tables) as records:
        with pytest.raises(NotSentError, match=said):
            await records.send(put(next(iter(tables)), {}), EFFECT)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "URL cannot be used"),
        ("records-marker", "URL cannot be used"),
        ("mysql://crm:marker@db/crm", "URL cannot be used"),
        ("postgresql://crm:marker@db:port/crm", "URL cannot be used"),
        ("sqlite://", "need a file"),
        ("sqlite:///:memory:", "need a file"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused_and_not_shown(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        DatabaseChannel(url)

    assert "marker" not in str(caught.value)


@pytest.mark.parametrize(
    "table", ["", "a b", "a;b", "1a", "streamagents_effects", "pg_x", "a" * 64]
)
def test_what_is_no_name_of_a_table_is_refused(table: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be a table"):
        DatabaseChannel(f"sqlite:///{tmp_path}/records.db", tables=[table])
