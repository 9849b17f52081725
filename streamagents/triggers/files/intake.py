"""The intake: the events of one file, made row by row and sent in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streamagents.errors import EventError, FileRefusedError, InvalidEventError
from streamagents.topics import MIB
from streamagents.triggers.files.rejects import Rejects
from streamagents.triggers.files.rows import rows_of
from streamagents.triggers.files.scan import shown
from streamagents.triggers.inbound import made_of, mapper
from streamagents.triggers.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamagents.ports import Outgoing
    from streamagents.triggers.files.folder import Folder
    from streamagents.triggers.files.reading import Content, OpenedFile
    from streamagents.triggers.files.rows import Row
    from streamagents.triggers.inbound import Inbound
    from streamagents.triggers.sending import Sender

_HASH_CHARS = 8
_BATCH_ROWS = 500
_BATCH_BYTES = 2 * MIB


class Taken(NamedTuple):
    """What became of one file."""

    sent: int
    rejected: int = 0
    rejects: Path | None = None
    """The file that holds the rejected rows."""
    reason: str = ""
    """Why the file as a whole failed."""


class Intake:
    """Makes events of the files of one folder, and sends them."""

    def __init__(self, folder: Folder, inbound: Inbound, sender: Sender) -> None:
        self._folder, self._inbound, self._sender = folder, inbound, sender
        self._make = mapper(folder.fields)

    async def take(self, file: OpenedFile, path: str, content: Content) -> Taken:
        """Send a file's events; returns when the broker has them.

        Raises:
            FileChangedError: it changed meanwhile; what was sent is of what it was.
            TopicsError: the events' topic does not exist.
            OSError: it cannot be read.
        """
        sent, fault = 0, ""
        rows = rows_of(self._folder, path, file, content)
        with Rejects(self._place(path, content), shown(path)) as rejects:
            more = True
            while more and not fault:
                batch = _Batch(rejects)
                try:
                    more = await in_thread(self._fill, batch, rows, file_id(path, content.hash))
                except FileRefusedError as exc:
                    fault = str(exc)
                await in_thread(file.check)
                sent += await self._send(batch)
            if rejects.count and not sent and not fault:
                fault = _all_rejected(rejects)
            kept = await in_thread(rejects.keep)
            return Taken(sent, rejects.count, kept, fault)

    def _fill(self, batch: _Batch, rows: Iterator[Row], id_: str) -> bool:
        """Make the next records; whether there may be more."""
        for row in rows:
            try:
                record = self._record(row, id_)
            except EventError as exc:
                batch.rejects.add(row, str(exc))
            else:
                batch.add(row, record)
            if batch.is_full:
                return True
        return False

    def _record(self, row: Row, id_: str) -> Outgoing | None:
        if row.fault:
            raise InvalidEventError(row.fault)
        value = made_of(self._make, row.payload)
        if value is None:
            return None
        id_ = f"{id_}:{row.number}" if row.number else id_
        return self._inbound.record(self._folder.type, value, id_=id_)

    async def _send(self, batch: _Batch) -> int:
        """Send one batch; how many of its records the broker has."""
        if not batch.records:
            return 0
        refused = await self._sender.send(batch.records)
        for place, error in refused.items():
            await in_thread(batch.rejects.add, batch.rows[place], str(error))
        return len(batch.records) - len(refused)

    def _place(self, path: str, content: Content) -> Path | None:
        """Where rejected rows go: the same file for the same content, however often it is read."""
        if self._folder.failed is None:
            return None
        name = f"{path}.{content.hash[:_HASH_CHARS]}.rejects.jsonl"
        return self._folder.root / self._folder.failed / name


class _Batch:
    """Records that are sent together, and the rows that they were made of."""

    def __init__(self, rejects: Rejects) -> None:
        self.rejects = rejects
        self.rows: list[Row] = []
        self.records: list[Outgoing] = []
        self._looked_at = self._bytes = 0

    def add(self, row: Row, record: Outgoing | None) -> None:
        """Take a row; None is one that the mapping leaves out."""
        self._looked_at += 1
        if record is not None:
            self.rows.append(row)
            self.records.append(record)
            self._bytes += len(record.value or b"")

    @property
    def is_full(self) -> bool:
        """Whether it is time to send it. Rejected rows take no room."""
        return self._looked_at >= _BATCH_ROWS or self._bytes >= _BATCH_BYTES


def file_id(path: str, hash_: str) -> str:
    """The event id of a file's content: the same wherever it is read again."""
    return f"{shown(path)}:{hash_}"


def _all_rejected(rejects: Rejects) -> str:
    if rejects.count == 1:
        return f"It is no such event: {rejects.first}"
    return f"None of its {rejects.count:,} rows is such an event; {rejects.first}"
