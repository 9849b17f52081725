"""Records, when the database is locked, away, frozen or cut off, and when a worker is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from streamagents.actions import Effect
from streamagents.errors import DeliveryError, NotSentError
from support import wait_until_async
from support.databases import OWN, database, execute, put
from support.dropping import dropping_proxy
from support.postgres import Postgres, running_postgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection

    from streamagents.actions import DatabaseChannel

EFFECT = Effect(id="e-1/save", source="streamagents/crm/lead")


async def test_a_locked_database_is_a_failure_and_nothing_is_written(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/records.db"
    async with database(url, "leads", deadline_s=3.0) as records:
        await records.send(put("leads", {"a": 1}), EFFECT)
        other = sqlite3.connect(tmp_path / "records.db")
        other.execute("begin immediate")
        with pytest.raises(NotSentError, match="database is locked"):
            await records.send(put("leads", {"a": 2}), Effect(id="e-2/save"))
        other.rollback()
        other.close()
        assert await records.find("leads", "ann") == {"a": 1}


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with database(f"sqlite:///{tmp_path}/file/records.db", "leads") as records:
        with pytest.raises(NotSentError, match="cannot be used now: "):
            await records.send(put("leads", {}), EFFECT)


async def test_nobody_is_there_or_the_password_is_wrong(postgres: Postgres) -> None:
    for url in (
        postgres.url.replace("pg-marker", "wrong-marker"),
        postgres.url.replace(f":{postgres.port}/", ":9/"),
        postgres.url.replace("/postgres", "/nowhere"),
    ):
        async with database(url, "leads") as records:
            with pytest.raises(NotSentError, match="cannot be used now: ") as caught:
                await records.send(put("leads", {}), EFFECT)
        assert "marker" not in repr(caught.value)
        assert caught.value.__cause__ is None


async def test_a_server_that_stands_still_is_left_and_used_again_afterwards(leads: str) -> None:
    with running_postgres() as own:
        async with database(own.url, leads, deadline_s=3.0) as records:
            await records.send(put(leads, {"a": 1}), Effect(id="1"))
            backends = await execute(own.url, "select pid from pg_stat_activity where state='idle'")
            for (pid,) in backends:
                os.kill(pid, signal.SIGSTOP)
            try:
                with pytest.raises(NotSentError, match="did not answer in time"):
                    await records.send(put(leads, {"a": 2}), Effect(id="2"))
            finally:
                for (pid,) in backends:
                    os.kill(pid, signal.SIGCONT)
            await records.send(put(leads, {"a": 2}), Effect(id="2"))
            assert await records.find(leads, "ann") == {"a": 2}


async def test_a_record_that_somebody_holds_is_a_failure_and_nothing_is_written(
    postgres: Postgres, leads: str
) -> None:
    async with database(postgres.url, leads) as records, other(postgres.url) as connection:
        await records.send(put(leads, {"a": 1}), Effect(id=f"{leads}1"))
        await connection.execute(sa.text(f"select * from {leads} for update"))
        with pytest.raises(NotSentError, match="cannot be used now: LockNotAvailableError"):
            await records.send(put(leads, {"a": 2}), Effect(id=f"{leads}2"))
        await connection.rollback()

        await records.send(put(leads, {"a": 2}), Effect(id=f"{leads}2"))
        assert await records.find(leads, "ann") == {"a": 2}


@asynccontextmanager
async def other(url: str) -> AsyncIterator[AsyncConnection]:
    engine = create_async_engine(url.replace("sql:", "sql+asyncpg:"))
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


async def two_is_there(records: DatabaseChannel, table: str) -> bool:
    return await records.find(table, "ann") == {"a": 2}


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_commit_whose_answer_got_lost_is_repeated_and_counts_once(
    postgres: Postgres,
    leads: str,
    arrives: bool,  # noqa: FBT001 - a table's column
) -> None:
    async with dropping_proxy(postgres.port, b"COMMIT", arrives=arrives) as proxy:
        url = postgres.url.replace(str(postgres.port), str(proxy.port))
        async with database(url, leads) as records:
            await records.send(put(leads, {"a": 1}), Effect(id=f"{leads}1"))
            proxy.armed = True
            with pytest.raises(DeliveryError, match="did not say that it keeps the record"):
                await records.send(put(leads, {"a": 2}), Effect(id=f"{leads}2"))
            proxy.armed = False
            if arrives:
                await wait_until_async(lambda: two_is_there(records, leads))

            await records.send(put(leads, {"a": 2}), Effect(id=f"{leads}2", interrupted=True))

            assert await records.find(leads, "ann") == {"a": 2}
    assert await execute(
        postgres.url, f"select count(*) from streamagents_effects where effect_id like '{leads}%'"
    ) == [(2,)]


async def test_a_connection_that_breaks_before_the_commit_wrote_nothing(
    postgres: Postgres, leads: str
) -> None:
    async with dropping_proxy(postgres.port, f"INTO {leads}".encode(), arrives=True) as proxy:
        url = postgres.url.replace(str(postgres.port), str(proxy.port))
        async with database(url, leads) as records:
            await records.find(leads, "ann")
            proxy.armed = True
            with pytest.raises(NotSentError, match="cannot be used now"):
                await records.send(put(leads, {"a": 2}), Effect(id=leads))
            proxy.armed = False
            assert await records.find(leads, "ann") is None


WORKER = """
import asyncio, sys
from streamagents.actions import DatabaseChannel, Effect, RecordUpsert

async def main(url, table, interrupted):
    records = DatabaseChannel(url, tables={table: "email"})
    async def send(n):
        effect = Effect(id=f"{table}{n}", interrupted=interrupted)
        await records.send(RecordUpsert(table=table, key=f"k{n}", values={"score": n}), effect)
        print(n, flush=True)
    for start in range(0, 120, 4):
        await asyncio.gather(*(send(n) for n in range(start, start + 4)))
    await records.close()

asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3] == "again"))
"""


async def test_a_worker_that_is_killed_leaves_whole_effects_and_the_next_one_the_rest(
    url: str, leads: str
) -> None:
    url = url.replace("/new/", "/")
    await execute(url, OWN.format(table=leads), f"create table {leads}_log (email varchar(100))")
    await execute(url, *_log_each_write(url, leads))
    told = ["-c", WORKER, url, leads]
    first = await asyncio.create_subprocess_exec(
        sys.executable, *told, "first", stdout=asyncio.subprocess.PIPE
    )
    assert first.stdout is not None
    for _ in range(30):
        await first.stdout.readline()
    first.kill()
    await first.communicate()
    [(written,)] = await execute(url, f"select count(*) from {leads}_log")
    assert 30 <= written < 120

    second = await asyncio.create_subprocess_exec(sys.executable, *told, "again")
    assert await second.wait() == 0

    counted = f"select count(*), count(distinct email) from {leads}_log"
    assert await execute(url, counted) == [(120, 120)]


def _log_each_write(url: str, table: str) -> list[str]:
    """A trigger sees each write, whoever wrote the same before."""
    log = f"insert into {table}_log values (new.email)"
    if url.startswith("sqlite"):
        return [
            f"create trigger {table}_{what} after {what} on {table} begin {log}; end"
            for what in ("insert", "update")
        ]
    body = f"begin {log}; return new; end"
    each = f"for each row execute function {table}_write()"
    return [
        f"create function {table}_write() returns trigger as $$ {body} $$ language plpgsql",
        f"create trigger {table}_trigger after insert or update on {table} {each}",
    ]
