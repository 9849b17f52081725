"""Records: looked up at once, written by an action."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from streamagents.actions import DatabaseChannel, Effect, RecordUpsert
from streamagents.errors import ConfigurationError, ToolRefusedError
from streamagents.llm.tools import Records
from streamagents.testing import FakeContext, FakeModel
from streamagents.testing.model import ToolUse

if TYPE_CHECKING:
    from pathlib import Path


class Tables:
    """The port `RecordsReader` by hand."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def find(self, table: str, key: str) -> dict[str, Any] | None:
        self.asked.append((table, key))
        return {"score": 7} if key == "ann" else None


def records(tables: Tables | None = None, **opened: Any) -> Records:
    opened = {"reads": ["leads"], "writes": ["notes"], "upsert": RecordUpsert, **opened}
    return Records(tables or Tables(), **opened)


async def test_a_record_is_looked_up() -> None:
    tables = Tables()

    assert await records(tables).find_record("leads", "ann") == {"score": 7}
    assert await records(tables).find_record("leads", "bob") is None
    assert tables.asked == [("leads", "ann"), ("leads", "bob")]


async def test_a_record_is_written_by_an_action() -> None:
    ctx = FakeContext()

    await records().save_record("notes", "ann", {"text": "likes boots"}, ctx)

    assert ctx.acted == [RecordUpsert(table="notes", key="ann", values={"text": "likes boots"})]


@pytest.mark.parametrize("table", ["notes", "Leads", "leads ", "leads; drop table leads", ""])
async def test_a_table_that_is_not_open_is_not_read(table: str) -> None:
    tables = Tables()

    with pytest.raises(ToolRefusedError, match=r"may not be read here\. Those that may: leads"):
        await records(tables).find_record(table, "ann")

    assert tables.asked == []


async def test_what_may_be_read_may_not_be_written() -> None:
    ctx = FakeContext()

    with pytest.raises(ToolRefusedError, match=r"may not be written here\. Those that may: notes"):
        await records().save_record("leads", "ann", {}, ctx)

    assert ctx.acted == []


async def test_what_is_no_record_is_told_in_words() -> None:
    ctx = FakeContext()

    with pytest.raises(ToolRefusedError, match=r"That is no record: key: String should have at"):
        await records().save_record("notes", "", {}, ctx)

    assert ctx.acted == []


@pytest.mark.parametrize(
    ("opened", "names"),
    [
        ({}, ["find_record", "save_record"]),
        ({"writes": []}, ["find_record"]),
        ({"reads": []}, ["save_record"]),
        ({"reads": [], "writes": []}, []),
    ],
)
def test_there_are_tools_for_what_is_open(opened: dict[str, Any], names: list[str]) -> None:
    assert [made.name for made in records(**opened).tools] == names


@pytest.mark.parametrize(
    ("opened", "said"),
    [({"upsert": None}, "upsert=RecordUpsert"), ({"reads": "leads"}, "take lists of tables")],
)
def test_what_cannot_work_is_told_when_it_is_built(opened: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        records(**opened)


async def test_a_model_looks_up_in_a_step_and_writes_in_the_events_group() -> None:
    find = ToolUse("find_record", {"table": "leads", "key": "ann"})
    save = ToolUse("save_record", {"table": "notes", "key": "ann", "values": {"vip": True}})
    astray = ToolUse("save_record", {"table": "leads", "key": "ann", "values": {}})
    model = FakeModel([[find, save, astray], "Done."])
    ctx = FakeContext(model=model)

    await ctx.llm.run_tools("Keep our notes up to date.", tools=records().tools)

    found, queued, refused = model.questions[-1].messages[-1]["content"]
    assert found["content"] == '<data>{"score":7}</data>'
    assert queued["content"] == "queued"
    assert refused["is_error"]
    assert ctx.acted == [RecordUpsert(table="notes", key="ann", values={"vip": True})]
    assert [path for path in ctx.steps if "find_record" in path]


async def test_what_a_model_has_written_it_finds_again(tmp_path: Path) -> None:
    database = DatabaseChannel(f"sqlite:///{tmp_path}/records.db", tables=["leads"])
    crm = Records(database, reads=["leads"], writes=["leads"], upsert=RecordUpsert)
    ctx = FakeContext()

    await crm.save_record("leads", "ann", {"score": 7, "note": "a </data> b"}, ctx)
    await crm.save_record("leads", "ann", {"score": 8}, ctx)
    for action, effect in zip(ctx.acted, ctx.acted_ids, strict=True):
        assert isinstance(action, RecordUpsert)
        await database.send(action, Effect(id=effect))

    assert await crm.find_record("leads", "ann") == {"score": 8, "note": "a </data> b"}
    assert await crm.find_record("leads", "bob") is None
    await database.close()
