"""Asking: admitted, within a deadline, settled once, one line in the log."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from streamagents.errors import ModelBusyError, ModelError, ModelRefusedError
from streamagents.llm.asker import Asker, Who
from streamagents.ports import Answer, Question, Usage
from streamagents.testing import FakeClock, FakeModel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

WHO = Who(agent="LeadAgent", event_id="e-1", step="enrich/text-1")
QUESTION = Question(
    model="m-1",
    system="",
    messages=({"role": "user", "content": [{"type": "text", "text": "my secret"}]},),
    max_tokens=10,
)
USED = Usage(input_tokens=10, output_tokens=5, cache_write_tokens=3, cache_read_tokens=2)


class Books:
    """A guard that admits, and keeps what it is told."""

    def __init__(self, usd: float | None = 0.5) -> None:
        self.usd = usd
        self.settled: list[tuple[Answer | None, BaseException | None]] = []

    async def admit(self, question: Question, who: Who) -> Books:
        return self

    async def settle(self, answer: Answer | None, error: BaseException | None) -> float | None:
        self.settled.append((answer, error))
        return self.usd


class Closed:
    """A guard that admits nobody."""

    async def admit(self, question: Question, who: Who) -> Any:
        raise ModelBusyError(90, "The budget is spent.", code="budget")


def answer(stop_reason: str = "end_turn") -> Answer:
    return Answer(
        content=({"type": "text", "text": "my answer"},),
        stop_reason=stop_reason,
        model="m-1",
        provider="fake",
        usage=USED,
        request_id="req_1",
    )


async def logged(
    ask: Callable[[], Awaitable[Any]], error: type[BaseException] | None = None
) -> dict[str, Any]:
    with capture_logs() as lines:
        if error is None:
            await ask()
        else:
            with pytest.raises(error):
                await ask()
    (line,) = lines
    return dict(line)


async def test_an_answer_is_settled_and_told_with_its_cost() -> None:
    books, clock = Books(), FakeClock()

    def later(_: Question) -> Answer:
        clock.advance(1.5)
        return answer()

    asker = Asker(FakeModel(later), clock=clock, guard=books)
    line = await logged(lambda: asker.ask(QUESTION, WHO))

    assert line == {
        "event": "llm_call",
        "log_level": "info",
        "agent": "LeadAgent",
        "event_id": "e-1",
        "step": "enrich/text-1",
        "provider": "fake",
        "model": "m-1",
        "request_id": "req_1",
        "outcome": "ok",
        "usd": 0.5,
        "seconds": 1.5,
        "input_tokens": 10,
        "output_tokens": 5,
        "cache_write_tokens": 3,
        "cache_read_tokens": 2,
    }
    assert books.settled == [(answer(), None)]


async def test_an_answer_that_cannot_be_used_is_paid_for() -> None:
    books = Books()
    asker = Asker(FakeModel([answer("max_tokens")]), clock=FakeClock(), guard=books)

    line = await logged(lambda: asker.ask(QUESTION, WHO), ModelRefusedError)

    assert (line["outcome"], line["usd"], line["output_tokens"]) == ("max_tokens", 0.5, 5)
    assert books.settled == [(answer("max_tokens"), None)]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ModelError("cut", code="connection", request_id="req_9"), "connection"),
        (ModelBusyError(5, "slow", code="rate_limited", request_id="req_9"), "rate_limited"),
        (ModelRefusedError("no", code="bad_request", request_id="req_9"), "bad_request"),
        (KeyError("a defect"), "KeyError"),
        (asyncio.CancelledError(), "cancelled"),
    ],
)
async def test_an_error_is_settled_and_told_and_goes_on(error: BaseException, outcome: str) -> None:
    books = Books(usd=None)
    asker = Asker(FakeModel([error]), clock=FakeClock(), guard=books)

    line = await logged(lambda: asker.ask(QUESTION, WHO), type(error))

    assert (line["outcome"], line["log_level"]) == (outcome, "warning")
    assert line["request_id"] == getattr(error, "request_id", "")
    assert books.settled == [(None, error)]


async def test_nothing_of_what_was_said_is_logged() -> None:
    asker = Asker(FakeModel([answer()]), clock=FakeClock())

    assert "my " not in str(await logged(lambda: asker.ask(QUESTION, WHO)))


async def test_a_call_that_is_not_admitted_is_not_made() -> None:
    model = FakeModel()
    asker = Asker(model, clock=FakeClock(), guard=Closed())

    line = await logged(lambda: asker.ask(QUESTION, WHO), ModelBusyError)

    assert (line["outcome"], line["usd"], model.questions) == ("budget", None, [])


class Silent:
    """Never answers."""

    name = "silent"

    async def answer(self, question: Question) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    async def open(self) -> None: ...

    async def close(self) -> None: ...


class Late:
    """Has a time limit of its own."""

    name = "late"

    async def answer(self, question: Question) -> Answer:
        raise TimeoutError

    async def open(self) -> None: ...

    async def close(self) -> None: ...


@pytest.mark.parametrize("model", [Silent(), Late()])
async def test_the_deadline_is_total(model: Any) -> None:
    books = Books()
    asker = Asker(model, clock=FakeClock(), guard=books)

    with pytest.raises(ModelError, match=r"The model m-1 gave no answer within 0\.05 s") as caught:
        await asker.ask(QUESTION, WHO, 0.05)

    assert caught.value.code == "timeout"
    ((_, error),) = books.settled
    assert error is caught.value


async def test_who_is_cancelled_while_it_asks_gives_its_permit_back() -> None:
    books = Books()
    asking = asyncio.ensure_future(
        Asker(Silent(), clock=FakeClock(), guard=books).ask(QUESTION, WHO)
    )
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    ((_, error),) = books.settled
    assert isinstance(error, asyncio.CancelledError)
