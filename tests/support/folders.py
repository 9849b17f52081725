"""A watched folder for tests: a real folder, a bus in memory, a clock that is moved by hand."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import field_validator

from streamagents import Event
from streamagents.agents import build_registry
from streamagents.testing import FakeClock, MemoryBus
from streamagents.topics import INBOX, Layout
from streamagents.triggers.files import Folder
from streamagents.triggers.files.intake import Intake
from streamagents.triggers.files.ledger import SentFiles
from streamagents.triggers.files.watch import FolderWatch
from streamagents.triggers.inbound import Inbound
from streamagents.triggers.sending import Sender

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamagents.agents import Registry
    from streamagents.testing import MemoryRecord


class Order(Event, topic="order", key="customer", id=None):
    customer: str
    amount: float
    note: str | None = None


class Scan(Event, topic="scan", key="name", id=None):
    path: str
    name: str
    size: int
    sha256: str = ""
    text: str | None = None
    content_base64: str | None = None


class Cursed(Event, topic="cursed", key="customer", id=None):
    """An event whose own validator is broken."""

    customer: str

    @field_validator("customer")
    @classmethod
    def _fails(cls, value: str) -> str:
        if value == "ann":
            raise KeyError(value)
        return value


class Nobody:
    async def run(self, event: dict[str, Any]) -> None: ...


def registry() -> Registry:
    return build_registry({}, fallback=Nobody(), emits=[Order, Scan, Cursed])


class NoNotices:
    """Whoever waits is woken by the test."""

    async def wait(self, timeout_s: float) -> None:
        raise NotImplementedError


@dataclass
class Watched:
    """One folder under watch."""

    watch: FolderWatch
    bus: MemoryBus
    clock: FakeClock
    root: Path
    settle_s: float
    topics: list[str] = field(default_factory=lambda: ["order", "scan", "cursed", INBOX])

    async def look(self) -> float:
        """Look once, now."""
        return await self.watch.look()

    async def settle(self) -> None:
        """Look, let the files settle, look again."""
        await self.look()
        self.clock.advance(self.settle_s)
        await self.look()

    def drop(self, path: str, content: bytes | str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def records(self) -> list[MemoryRecord]:
        return [record for topic in self.topics for record in self.bus.records(topic)]

    def ids(self) -> list[str]:
        return [dict(record.headers)["ce_id"].decode() for record in self.records()]

    def data(self) -> list[dict[str, Any]]:
        """What was sent, in the order of the rows."""
        sent = sorted(self.records(), key=lambda record: row_of(dict(record.headers)["ce_id"]))
        return [json.loads(record.value or b"") for record in sent]

    def files(self) -> list[str]:
        return sorted(
            file.relative_to(self.root).as_posix()
            for file in self.root.rglob("*")
            if not file.is_dir()
        )


def row_of(id_: bytes) -> int:
    last = id_.rpartition(b":")[2]
    return int(last) if last.isdigit() and len(last) < 20 else 0


@contextmanager
def watched(folder: Path, *, bus: MemoryBus | None = None, **options: Any) -> Iterator[Watched]:
    """Watch `folder / "in"`; the ledger is `folder / "ledger.db"`."""
    root = folder / "in"
    root.mkdir(exist_ok=True)
    declared = Folder("inbox", root, **{"to": Order, **options})
    clock = FakeClock()
    bus = bus or MemoryBus({"order": 4, "scan": 4, "cursed": 4, INBOX: 4}, clock=clock)
    inbound = Inbound(registry=registry(), layout=Layout(), clock=clock, source=declared.source)
    with SentFiles(folder / "ledger.db") as ledger:
        intake = Intake(declared, inbound, Sender(bus, clock))
        watch = FolderWatch(declared, intake, ledger, NoNotices(), clock)
        yield Watched(watch, bus, clock, root, declared.settle_s)
