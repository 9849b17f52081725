"""The channel `database`: records that are written once, in SQLite or PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, JsonValue, SecretStr

from streamagents.actions.action import Action
from streamagents.actions.given import secret, several
from streamagents.errors import ConfigurationError, Reject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamagents.actions.channel import Effect

_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_RESERVED = ("streamagents_", "sqlite_", "pg_")


class RecordUpsert(Action, via="database"):
    """Put values into one record, which is made if it is missing."""

    table: str
    """One that the application's channel allows."""
    key: Annotated[str, Field(min_length=1, max_length=500)]
    """Which record."""
    values: dict[str, JsonValue]
    """What changes; other values of the record stay. A null is a value, nested ones are replaced
    whole."""


class DatabaseChannel:
    """Writes each effect once: its mark and its record are one transaction.

    ```python
    records = DatabaseChannel("postgresql://crm:...@db/crm", tables=["leads"])
    ```

    A named table is made if it is missing: `key`, `data` (JSON), `updated_at`, and `effect_id` for
    whoever asks where a value came from. A table of your own is named with its key column, as in
    `tables={"leads": "email"}`: values are written to the columns of their names, and what its
    columns do not take is refused.

    Effects of one event key arrive in order; where events of two keys change one record, the later
    transaction wins, value by value.

    Args:
        url: `sqlite:///folder/records.db`, `postgresql://user:password@host/name`; or the path of
            a file, which is SQLite's.
        tables: names of tables, or names and key columns (None: a table that is made).
        keep_days: how long an effect is known; longer than its letters can be replayed.
        deadline_s: for a whole delivery; shorter than its `Delivery.timeout_s`.
        now: the moment, in UTC.

    Raises:
        ConfigurationError: no such database or table can be used.
    """

    name = "database"
    action = RecordUpsert
    idempotent = True

    def __init__(
        self,
        url: SecretStr | str | Path,
        *,
        tables: Iterable[str] | Mapping[str, str | None] = (),
        keep_days: int = 45,
        deadline_s: float = 20.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        # Half a second that only its users pay, and at start: not while a worker's loop waits.
        from streamagents.actions.records import Records  # noqa: PLC0415

        named = tables if isinstance(tables, Mapping) else dict.fromkeys(several(tables))
        for table in named:
            _check(table)
        self._tables = frozenset(named)
        place = url if isinstance(url, Path) else secret(url)
        self._records = Records(place, named, keep_days=keep_days, deadline_s=deadline_s, now=now)

    async def send(self, action: RecordUpsert, effect: Effect) -> None:
        """Write one record, unless this effect has been written.

        Raises:
            Reject: the table is not allowed (code `table_not_allowed`), or the database will
                never take these values (`record_refused`).
            NotSentError: the database was not reached, or is locked; nothing was written.
            DeliveryError: the connection was lost while it confirmed.
        """
        self._allow(action.table)
        await self._records.upsert(action.table, action.key, action.values, effect)

    async def find(self, table: str, key: str) -> dict[str, Any] | None:
        """The values of a record, as JSON has them; None if there is none.

        Raises:
            Reject: the table is not allowed.
            NotSentError: the database was not reached.
        """
        self._allow(table)
        return await self._records.find(table, key)

    async def close(self) -> None:
        """Give connections back."""
        await self._records.close()

    def _allow(self, table: str) -> None:
        if table not in self._tables:
            raise Reject(
                f"The table {table!r} is none of those that the channel database may use.",
                code="table_not_allowed",
            )


def _check(table: str) -> None:
    if not _TABLE.fullmatch(table) or table.lower().startswith(_RESERVED):
        raise ConfigurationError(
            f"{table!r} cannot be a table of the channel database: a name has 1 to 63 letters, "
            f"digits and underscores, and does not begin with {', '.join(_RESERVED)}."
        )
