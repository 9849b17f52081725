"""Engines: from the URL of a database to a pool of connections, all of whose waits end."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from streamagents.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic import SecretStr
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
_IGNORED = ("channel_binding", "connect_timeout", "application_name")
_KNOWN = frozenset({"ssl", "host", "port", "prepared_statement_cache_size"})
_CONNECT_S, _LOCK_S, _STATEMENT_S = 5.0, 5.0, 10.0
_CONNECTIONS = 5
_LIMITS = (
    f"SELECT set_config('statement_timeout', '{_STATEMENT_S * 1000:.0f}', true), "
    f"set_config('lock_timeout', '{_LOCK_S * 1000:.0f}', true), "
    f"set_config('idle_in_transaction_session_timeout', '{_STATEMENT_S * 2000:.0f}', true)"
)
"""The server's own: a command that we left is not left running. For one transaction, and not with
the connection, which a pooler between us would refuse or hand to others."""
_ASK_AGAIN_S = (0.005, 0.03)
_BUSY_MS = 100
_IDLE_S = 300


def engine(place: SecretStr | Path) -> AsyncEngine:
    """The engine of a database, by its URL or its file; it connects when it is first used.

    Raises:
        ConfigurationError: this is no URL of a database that we know. The URL is not shown.
    """
    if isinstance(place, Path):
        return _sqlite(URL.create("sqlite+aiosqlite", database=str(place)))
    parsed = _parsed(place)
    if parsed.drivername == "sqlite+aiosqlite":
        return _sqlite(parsed)
    try:
        return create_async_engine(
            parsed,
            connect_args={
                "timeout": _CONNECT_S,
                "command_timeout": _STATEMENT_S,
                "server_settings": {"application_name": "streamagents"},
            },
            pool_pre_ping=True,  # a server that was restarted costs nobody an attempt
            **_pool(),
        )
    except ModuleNotFoundError as exc:
        raise ConfigurationError(
            "PostgreSQL needs a client: pip install 'streamagents[postgres]'."
        ) from exc


async def begin(connection: AsyncConnection, *, write: bool, patience_s: float) -> None:
    """Begin a transaction.

    Args:
        connection: has begun none.
        write: whether it will write.
        patience_s: how long to wait for SQLite's one writer.

    Raises:
        OperationalError: somebody else writes all the time.
    """
    if connection.dialect.name == "postgresql":
        await connection.exec_driver_sql(_LIMITS)
        return
    over_at = time.monotonic() + patience_s
    while write:
        try:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError:
            # SQLite itself asks ever more rarely: beside a busy worker it would always be late.
            if time.monotonic() > over_at:
                raise
            await asyncio.sleep(random.uniform(*_ASK_AGAIN_S))
        else:
            return


def make_folder(made: AsyncEngine) -> None:
    """Make the folder of a database that is a file.

    Raises:
        OSError: it cannot be made.
    """
    if made.dialect.name == "sqlite":
        Path(str(made.url.database)).parent.mkdir(parents=True, exist_ok=True)


def _parsed(url: SecretStr) -> URL:
    try:
        parsed = make_url(url.get_secret_value())
        driver = _DRIVERS.get(parsed.drivername)
    except (ArgumentError, ValueError):
        driver = None
    if driver is None:
        raise ConfigurationError(
            "The database's URL cannot be used: say sqlite:///folder/records.db or "
            "postgresql://user:password@host/name."
        )
    parsed = parsed.set(drivername=driver)
    return parsed if driver == "sqlite+aiosqlite" else _as_asyncpg_has_it(parsed)


def _as_asyncpg_has_it(url: URL) -> URL:
    """What hosters put into a URL is libpq's; asyncpg would refuse it with each connection."""
    mode = url.query.get("sslmode")
    url = url.difference_update_query([*_IGNORED, "sslmode"])
    if mode is not None:
        url = url.update_query_dict({"ssl": mode})
    if strange := sorted(set(url.query) - _KNOWN):
        raise ConfigurationError(f"The database's URL has the unknown parameter {strange[0]!r}.")
    return url


def _sqlite(url: URL) -> AsyncEngine:
    if url.database in {None, "", ":memory:"} or str(url.database).startswith("file:"):
        raise ConfigurationError(
            "Records in SQLite need a file that outlives the worker, as in "
            "sqlite:///folder/records.db."
        )
    made = create_async_engine(url, connect_args={"timeout": _LOCK_S}, **_pool())
    event.listen(made.sync_engine, "connect", _on_sqlite)
    return made


def _pool() -> dict[str, Any]:
    return {
        "pool_size": _CONNECTIONS,
        "max_overflow": 0,
        "pool_timeout": _STATEMENT_S,
        "pool_recycle": _IDLE_S,
        "hide_parameters": True,
    }


def _on_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")  # whoever reads does not wait for whoever writes
    cursor.execute("PRAGMA synchronous=FULL")  # what is written stays, also without power
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_MS}")  # `begin` waits, and can be cancelled
    cursor.close()
