"""Records: one transaction an effect, and what an error of the database says about it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from streamagents.actions.engines import begin, engine, make_folder
from streamagents.actions.shown import shown
from streamagents.actions.tables import Documents, check_documents, insert, own_table
from streamagents.errors import ConfigurationError, DeliveryError, NotSentError, Reject, describe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from pydantic import SecretStr
    from sqlalchemy.ext.asyncio import AsyncConnection

    from streamagents.actions.channel import Effect
    from streamagents.actions.tables import Shape

_SETUP_LOCK = "SELECT pg_advisory_xact_lock(1588191861)"  # any number, the same in each worker
"""Two workers that make a table at once would stumble over each other."""
_PATIENCE = 0.8
"""So much of the deadline is spent on waiting for SQLite's lock: then it can be said why."""
_WRITERS = 4
"""At once, in PostgreSQL: one connection stays for those who look something up."""
_SWEEP_EVERY, _SWEEP_ROWS = 100, 500
_NEVER = frozenset({"22", "23"})
"""Classes of SQLSTATE: what the data are to blame for."""

log = structlog.stdlib.get_logger(__package__)


class Records:
    """The tables of one database.

    Args:
        place: the URL of the database, or the file that is one.
        tables: names and key columns; None is a table that is made.
        keep_days: how long an effect is known.
        deadline_s: for one call, in seconds.
        now: the moment, in UTC.
    """

    def __init__(
        self,
        place: SecretStr | Path,
        tables: Mapping[str, str | None],
        *,
        keep_days: int,
        deadline_s: float,
        now: Callable[[], datetime],
    ) -> None:
        self._engine = engine(place)
        self._metadata = sa.MetaData()
        self._effects = sa.Table(
            "streamagents_effects",
            self._metadata,
            # Made of source and id: they may be longer than an index takes.
            sa.Column("effect_key", sa.String(36), primary_key=True),
            sa.Column("effect_id", sa.Text, nullable=False),
            sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
        )
        self._own = {name: key for name, key in tables.items() if key is not None}
        self._shapes: dict[str, Shape] = {
            name: Documents(name, self._metadata) for name, key in tables.items() if key is None
        }
        self._keep, self._deadline_s, self._now = timedelta(days=keep_days), deadline_s, now
        self._patience_s = deadline_s * _PATIENCE
        self._ready, self._preparing = False, asyncio.Lock()
        self._written = count()
        # SQLite has one writer, and whoever waits for it waits without an order: some for ever.
        self._writers = asyncio.Semaphore(1 if self._engine.dialect.name == "sqlite" else _WRITERS)

    async def upsert(self, table: str, key: str, values: Mapping[str, Any], effect: Effect) -> None:
        """Write a record and its effect's mark, or neither; nothing if the mark is there.

        Raises:
            Reject: the database will never take it.
            NotSentError: nothing was written.
            DeliveryError: nobody knows.
        """
        ending = False
        try:
            async with (
                asyncio.timeout(self._deadline_s),
                self._writers,
                self._connection() as connection,
            ):
                await begin(connection, write=True, patience_s=self._patience_s)
                if await self._is_new(connection, effect):
                    await self._shapes[table].upsert(
                        connection, key, values, effect_id=effect.id, now=self._now()
                    )
                ending = True
                await connection.commit()
        except Exception as exc:  # noqa: BLE001 - drivers raise errors of every family
            self._ready = False  # whatever it was, look at the tables again
            raise fault(exc, ending=ending) from None
        if next(self._written) % _SWEEP_EVERY == 0:
            await self._sweep()

    async def find(self, table: str, key: str) -> dict[str, Any] | None:
        """Read a record.

        Raises:
            NotSentError: it could not be read.
        """
        try:
            async with asyncio.timeout(self._deadline_s), self._connection() as connection:
                await begin(connection, write=False, patience_s=self._patience_s)
                return await self._shapes[table].find(connection, key)
        except Exception as exc:  # noqa: BLE001 - drivers raise errors of every family
            self._ready = False
            raise fault(exc, ending=False) from None

    async def close(self) -> None:
        """Give connections back. A later call begins anew."""
        await self._engine.dispose()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        """A connection to a database whose tables are there."""
        if not self._ready:
            await self._prepare()
        async with self._engine.connect() as connection:
            yield connection

    async def _prepare(self) -> None:
        """Make the tables that are missing, look at the others: before the first use."""
        async with self._preparing:
            if self._ready:
                return
            make_folder(self._engine)
            async with self._engine.begin() as connection:
                await begin(connection, write=True, patience_s=self._patience_s)
                if connection.dialect.name == "postgresql":  # in SQLite whoever writes is alone
                    await connection.exec_driver_sql(_SETUP_LOCK)
                await connection.run_sync(self._make)
            self._ready = True

    def _make(self, connection: sa.Connection) -> None:
        self._metadata.create_all(connection)
        for table in self._metadata.sorted_tables:
            check_documents(connection, table)
        for name, key in self._own.items():
            self._shapes[name] = own_table(connection, name, key)

    async def _is_new(self, connection: AsyncConnection, effect: Effect) -> bool:
        """Mark it. Who does so at the same time waits here for how our transaction ends."""
        mark = insert(connection, self._effects).values(
            effect_key=effect.idempotency_key, effect_id=effect.id, at=self._now()
        )
        done = await connection.execute(mark.on_conflict_do_nothing())
        return bool(done.rowcount)

    async def _sweep(self) -> None:
        """Forget some of the effects that nobody can repeat any more."""
        effects = self._effects
        old = (
            sa.select(effects.c.effect_key)
            .where(effects.c.at < self._now() - self._keep)
            .limit(_SWEEP_ROWS)
            .with_for_update(skip_locked=True)  # another worker sweeps, too
        )
        try:
            async with (
                asyncio.timeout(self._deadline_s),
                self._writers,
                self._engine.begin() as connection,
            ):
                await begin(connection, write=True, patience_s=self._patience_s)
                await connection.execute(
                    sa.delete(effects).where(effects.c.effect_key.in_(old.scalar_subquery()))
                )
        except Exception as exc:  # noqa: BLE001 - the effect itself is done; the next one sweeps
            log.warning("effects_not_swept", reason=str(fault(exc, ending=False)))


def fault(error: Exception, *, ending: bool) -> Exception:
    """What to raise for an error of the database.

    Args:
        error: what the driver raised.
        ending: whether it was asked to commit: before that, nothing was written.
    """
    if isinstance(error, (Reject, ConfigurationError)):
        return error if isinstance(error, Reject) else NotSentError(str(error))
    words = _words(error)
    if _never(error):
        return Reject(f"The database will not take the record: {words}.", code="record_refused")
    if ending:
        return DeliveryError(f"The database did not say that it keeps the record: {words}.")
    return NotSentError(f"The database cannot be used now: {words}.")


def _never(error: Exception) -> bool:
    if isinstance(error, (IntegrityError, DataError, OverflowError)):  # SQLite: too large a number
        return True
    if isinstance(error, StatementError) and not isinstance(error, DBAPIError):
        return True  # a value that no column of its type takes
    return str(getattr(getattr(error, "orig", None), "sqlstate", ""))[:2] in _NEVER


def _words(error: Exception) -> str:
    """What it was, without values and without what a server says in its own words."""
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    cause = getattr(error, "orig", None) or error
    if type(cause).__module__.startswith("sqlite3"):
        return shown(describe(cause))  # it names tables and columns
    return type(cause.__cause__ or cause).__name__
