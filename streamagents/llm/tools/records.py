"""Records: what a model looks up, and what it asks to be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import JsonValue, ValidationError

from streamagents.errors import ConfigurationError, ToolRefusedError
from streamagents.llm.prompts import faults_of
from streamagents.llm.tools.tool import Tool, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from streamagents.agents import Context
    from streamagents.ports import Action, RecordsReader


class Records:
    """Looks records up, and decides on upserts.

    ```python
    records = Records(database, reads=["leads"], writes=["leads"], upsert=RecordUpsert)
    await ctx.llm.run_tools("Keep our list of leads up to date.", tools=records.tools)
    ```

    Args:
        reader: reads them.
        reads: the tables that may be read.
        writes: the tables that may be written.
        upsert: makes the action, of `table`, `key` and `values`.

    Raises:
        ConfigurationError: there are tables to be written, and nothing that makes the action.
    """

    def __init__(
        self,
        reader: RecordsReader,
        *,
        reads: Collection[str],
        writes: Collection[str] = (),
        upsert: Callable[..., Action] | None = None,
    ) -> None:
        if isinstance(reads, str) or isinstance(writes, str):
            raise ConfigurationError("Records(..., reads=, writes=) take lists of tables.")
        if writes and upsert is None:
            raise ConfigurationError(
                "Records(..., writes=...) needs the action that writes: upsert=RecordUpsert."
            )
        self._reader, self._upsert = reader, upsert
        self._reads, self._writes = tuple(reads), tuple(writes)

    @property
    def tools(self) -> list[Tool]:
        """What it allows, for `ctx.llm.run_tools`."""
        made = [tool(self.find_record)] if self._reads else []
        return [*made, tool(self.save_record, acts=True)] if self._writes else made

    async def find_record(self, table: str, key: str) -> dict[str, Any] | None:
        """Look up one record by its key. Nothing is returned where there is none.

        Raises:
            ToolRefusedError: the table may not be read.
        """
        _allowed(table, self._reads, "read")
        return await self._reader.find(table, key)

    async def save_record(
        self, table: str, key: str, values: dict[str, JsonValue], ctx: Context
    ) -> None:
        """Write fields of one record; it is made where there is none. Others stay as they are.

        Raises:
            ToolRefusedError: the table may not be written, or the record is none.
        """
        _allowed(table, self._writes, "written")
        assert self._upsert is not None  # noqa: S101 - what may be written needs it
        try:
            action = self._upsert(table=table, key=key, values=values)
        except ValidationError as exc:
            raise ToolRefusedError(f"That is no record: {faults_of(exc)}.") from exc
        ctx.act(action)


def _allowed(table: str, tables: Collection[str], what: str) -> None:
    if table not in tables:
        raise ToolRefusedError(
            f"This table may not be {what} here. Those that may: {', '.join(tables) or 'none'}."
        )
