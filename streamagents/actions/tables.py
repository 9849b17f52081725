"""Tables: how a record lies in one, of ours or of a user's own. All run within a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB

from streamagents.errors import ConfigurationError, Reject

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

_REFUSED = "record_refused"
_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


class Shape(Protocol):
    """One table, and how a record lies in it."""

    async def upsert(
        self,
        connection: AsyncConnection,
        key: str,
        values: Mapping[str, Any],
        *,
        effect_id: str,
        now: datetime,
    ) -> None:
        """Write one record."""

    async def find(self, connection: AsyncConnection, key: str) -> dict[str, Any] | None:
        """Read one record."""


def insert(connection: AsyncConnection, table: sa.Table) -> Any:
    """An INSERT that may say what to do on a conflict, which is each dialect's own."""
    made = postgresql if connection.dialect.name == "postgresql" else sqlite
    return made.insert(table)


class Documents:
    """A table that is made: the key, and all values in one JSON object."""

    def __init__(self, name: str, metadata: sa.MetaData) -> None:
        self._table = sa.Table(
            name,
            metadata,
            sa.Column("key", sa.Text, primary_key=True),
            sa.Column("data", _JSON, nullable=False),
            sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
            sa.Column("effect_id", sa.Text, nullable=False),
        )

    async def upsert(
        self,
        connection: AsyncConnection,
        key: str,
        values: Mapping[str, Any],
        *,
        effect_id: str,
        now: datetime,
    ) -> None:
        """Write one record. Merged here, for each database means another thing by it."""
        table, marks = self._table, {"updated_at": now, "effect_id": effect_id}
        made = insert(connection, table).values(key=key, data={}, **marks)
        await connection.execute(made.on_conflict_do_nothing(index_elements=["key"]))
        mine = table.c.key == key
        # Locked until the transaction ends; SQLite has but one writer from the first write on.
        found = await connection.execute(sa.select(table.c.data).where(mine).with_for_update())
        data = {**(found.scalar_one() or {}), **values}
        await connection.execute(sa.update(table).where(mine).values(data=data, **marks))

    async def find(self, connection: AsyncConnection, key: str) -> dict[str, Any] | None:
        """Read one record."""
        table = self._table
        found = await connection.execute(sa.select(table.c.data).where(table.c.key == key))
        data = found.scalar_one_or_none()
        return None if data is None else dict(data)


class Columns:
    """A table of a user's own: values go to the columns of their names."""

    def __init__(self, table: sa.Table, key: str) -> None:
        self._table, self._key = table, key

    async def upsert(
        self,
        connection: AsyncConnection,
        key: str,
        values: Mapping[str, Any],
        *,
        effect_id: str,  # noqa: ARG002 - a table of theirs has no column for it
        now: datetime,  # noqa: ARG002 - likewise
    ) -> None:
        """Write one record."""
        new = {name: self._value(name, value) for name, value in values.items()}
        key_value = self._value(self._key, key)
        if new.setdefault(self._key, key_value) != key_value:
            raise Reject(f"The values name another {self._key} than the key.", code=_REFUSED)
        made = insert(connection, self._table).values(new)
        changed = {name: value for name, value in new.items() if name != self._key}
        await connection.execute(
            made.on_conflict_do_update(index_elements=[self._key], set_=changed)
            if changed
            else made.on_conflict_do_nothing(index_elements=[self._key])
        )

    async def find(self, connection: AsyncConnection, key: str) -> dict[str, Any] | None:
        """Read one record."""
        mine = self._table.c[self._key] == self._value(self._key, key)
        row = (await connection.execute(sa.select(self._table).where(mine))).mappings().first()
        return None if row is None else to_jsonable_python(dict(row))

    def _value(self, name: str, value: Any) -> Any:
        """A value as its column's type has it: JSON knows neither times nor decimals."""
        column = self._table.c.get(name)
        if column is None:
            raise Reject(f"The table {self._table.name} has no column {name!r}.", code=_REFUSED)
        if value is None or isinstance(column.type, sa.JSON):
            return value
        try:
            kind = column.type.python_type
        except NotImplementedError:  # a type that SQLAlchemy does not know: the database judges
            return value
        try:
            return TypeAdapter(kind).validate_python(value)
        except ValidationError as exc:
            raise Reject(
                f"The column {name!r} of {self._table.name} takes {kind.__name__}, not this.",
                code=_REFUSED,
            ) from exc


def own_table(connection: sa.Connection, name: str, key: str) -> Columns:
    """A user's table, as it is.

    Raises:
        ConfigurationError: there is none, or its key column does not name one record.
    """
    try:
        table = sa.Table(name, sa.MetaData(), autoload_with=connection)
    except sa.exc.NoSuchTableError as exc:
        raise ConfigurationError(
            f"The database has no table {name}: make it, or name it without a key column, and it "
            "is made."
        ) from exc
    unique = [
        [column.name for column in table.primary_key.columns],
        *([column.name for column in index.columns] for index in table.indexes if index.unique),
        *(
            [column.name for column in one.columns]
            for one in table.constraints
            if isinstance(one, sa.UniqueConstraint)
        ),
    ]
    if [key] not in unique:
        raise ConfigurationError(
            f"The column {key!r} of the table {name} is no key: it has to be its primary key, or "
            "unique."
        )
    return Columns(table, key)


def check_documents(connection: sa.Connection, table: sa.Table) -> None:
    """See that a table which was there is one of ours.

    Raises:
        ConfigurationError: it has other columns.
    """
    there = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
    if missing := sorted(set(table.columns.keys()) - there):
        raise ConfigurationError(
            f"The table {table.name} is there, and has no column {missing[0]}: name it with its "
            f"key column, as in tables={{{table.name!r}: 'id'}}, or take another name."
        )
