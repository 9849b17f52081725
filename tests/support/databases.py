"""A database as tests use it: through the channel, and as somebody else."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from streamagents.actions import DatabaseChannel, RecordUpsert

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OWN = """create table {table} (
    email varchar(100) primary key, score integer, rate numeric(10,2), seen_at timestamp,
    ok boolean, extra json, note varchar(20) not null default 'none')"""

"""A table of a user's own."""


def put(table: str, values: dict[str, Any], key: str = "ann") -> RecordUpsert:
    return RecordUpsert(table=table, key=key, values=values)


@asynccontextmanager
async def database(url: str, *tables: str, **options: Any) -> AsyncIterator[DatabaseChannel]:
    opened = DatabaseChannel(url, **{"tables": tables, **options})
    try:
        yield opened
    finally:
        await opened.close()


async def execute(url: str, *statements: str) -> list[Any]:
    """Look, or do, as somebody else; the last statement's rows."""
    driver = url.replace("sqlite:", "sqlite+aiosqlite:").replace("sql:", "sql+asyncpg:")
    engine = create_async_engine(driver)
    try:
        async with engine.begin() as connection:
            for statement in statements:
                done = await connection.execute(sa.text(statement))
            return [tuple(row) for row in done.all()] if done.returns_rows else []
    finally:
        await engine.dispose()
