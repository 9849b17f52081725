"""`ctx.llm` in a worker: paid for once, whatever becomes of the attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from streamagents.errors import ModelBusyError, ModelError, ModelRefusedError
from streamagents.events.envelope import header
from streamagents.llm import tool
from streamagents.testing import FakeModel, ToolUse
from support.bench import Bench
from support.records import Note, Order, Receipt, record
from support.stores import FakeStore

if TYPE_CHECKING:
    from streamagents.agents import Context

SOURCE = record(b'{"customer":"ada"}', headers=(("ce_id", b"c-1"),), key=b"ada")


@tool(acts=True)
async def post(text: str, ctx: Context) -> None:
    """Post it."""
    ctx.act(Note(text=text))


class Asking:
    """Asks three times, then fails as often as it is told to."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)

    async def run(self, order: Order, ctx: Context) -> Receipt:
        async def inner() -> str:
            return await ctx.llm.text("Two.")

        one = await ctx.llm.text("One.", data=order)
        two = await ctx.step("inner", inner)
        three = await ctx.llm.run_tools("Three.", [post])
        if self.errors:
            raise self.errors.pop(0)
        steps = " ".join(call.step for call in ctx.llm.calls)
        return Receipt(number="1", text=f"{one} {two} {three.text}: {steps}")


def model() -> FakeModel:
    return FakeModel(["one", "two", ToolUse("post", {"text": "hi"}), "three"])


async def test_a_retry_asks_nothing_again() -> None:
    asked = model()
    bench = Bench(Asking(ValueError("no"), ModelError("x", code="connection")), model=asked)

    await bench.handle(SOURCE)

    assert len(asked.questions) == 4
    receipt, note = sorted(bench.records, key=lambda out: out.topic)
    assert b"one two three: text-1 run_tools-1-turn-1 run_tools-1-turn-2" in (receipt.value or b"")
    assert header(note.headers, "ce_id") == b"c-1/act-1"


async def test_another_process_asks_nothing_again() -> None:
    first = Bench(Asking(*[ValueError("no")] * 3), model=model(), attempts=3)
    await first.handle(SOURCE)
    (letter,) = first.letters
    replayed = record(
        letter.value,
        offset=20,
        key=b"ada",
        headers=(*letter.headers, ("streamagents-replay-count", b"1")),
    )

    heir = Bench(Asking(), process="p2", store=FakeStore(first.store.durable), model=FakeModel())
    await heir.handle(replayed)

    assert [out.topic for out in heir.records] == ["streamagents.actions", "receipt"]


async def test_the_log_names_the_agent_the_event_and_the_step() -> None:
    with capture_logs() as lines:
        await Bench(Asking(), model=model()).handle(SOURCE)

    told = [line for line in lines if line["event"] == "llm_call"]
    assert [line["step"] for line in told] == [
        "text-1",
        "inner/text-1",
        "run_tools-1-turn-1",
        "run_tools-1-turn-2",
    ]
    assert {(line["agent"], line["event_id"]) for line in told} == {("Asking", "c-1")}


async def test_a_busy_model_parks_the_event_and_counts_no_attempt() -> None:
    bench = Bench(
        Asking(), model=FakeModel([ModelBusyError(240, "busy", code="rate_limited")]), attempts=1
    )

    assert not await bench.handle(SOURCE)

    assert (bench.parked, bench.letters) == ([240.0], [])


@pytest.mark.parametrize(
    ("error", "code", "asked"),
    [
        (ModelRefusedError("It refused.", code="refused"), b"refused", 1),
        (ModelError("Cut.", code="unreadable"), b"unreadable", 3),
    ],
)
async def test_the_letter_has_the_code(error: Any, code: bytes, asked: int) -> None:
    script = FakeModel([error] * 3)
    bench = Bench(Asking(), model=script, attempts=3)

    await bench.handle(SOURCE)

    (letter,) = bench.letters
    assert header(letter.headers, "streamagents-error-code") == code
    assert len(script.questions) == asked


async def test_without_a_model_the_rules_answer() -> None:
    bench = Bench(Asking())

    await bench.handle(SOURCE)

    (receipt,) = bench.records
    assert b"provider=rules" in (receipt.value or b"")


class Plain:
    """A plain function cannot ask."""

    def run(self, order: Order, ctx: Context) -> None:
        _ = ctx.llm.text("One.")


async def test_a_plain_run_that_asks_is_told_so_in_the_letter() -> None:
    bench = Bench(Plain(), model=FakeModel(), attempts=1)

    await bench.handle(SOURCE)

    (letter,) = bench.letters
    message = header(letter.headers, "__streams.errors.message") or b""
    assert b"ctx.llm.text(...) is awaited" in message
