"""The guard: circuits, rates and budgets together, and the agents that wait for them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from streamagents.agents.budget import Budget
from streamagents.errors import ModelBusyError, ModelError, ModelRefusedError
from streamagents.llm.limits import LimitedGuard, Limits, ModelRate, Price
from streamagents.llm.limits.accounts import Accounts
from streamagents.llm.limits.circuit import FAILURES, OPEN_S
from streamagents.llm.limits.queue import HOLD_S, RateQueue
from streamagents.llm.limits.spend import NOTHING, Spend
from streamagents.llm.limits.wallet import EVERYBODY, Place, Wallet
from streamagents.ports import Answer, Question, Usage
from streamagents.testing import FakeClock
from streamagents.testing.till import MemoryTill

if TYPE_CHECKING:
    from streamagents.llm.limits.guard import Pass

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MODEL = "claude-haiku-4-5"
SMALL = Usage(10, 5)
PLACES: list[Place] = [(4, number) for number in range(4)]


@dataclass
class Paused:
    """The port `Pauses`: who is held back, until when, why."""

    clock: FakeClock
    held: dict[str, tuple[float, str]] = field(default_factory=dict)

    def pause(self, agent: str, *, until: datetime, reason: str) -> None:
        self.held[agent] = ((until - self.clock.now()).total_seconds(), reason)

    def resume(self, agent: str) -> None:
        self.held.pop(agent, None)


@dataclass
class Event:
    place: Place = (4, 0)
    kept: Spend = NOTHING

    def spent(self) -> Spend:
        return self.kept

    async def keep(self, spend: Spend) -> None:
        self.kept = spend


@dataclass
class Who:
    agent: str = "Lead"
    event_id: str = "e"
    step: str = "text-1"
    wallet: Any = field(default_factory=Event)


class Desk:
    """A guard and all around it."""

    def __init__(self, limits: Limits | None = None, *, share: float = 1.0) -> None:
        self.clock, self.till = FakeClock(NOON), MemoryTill(PLACES)
        self.paused, limits = Paused(self.clock), limits or Limits()
        self.guard = LimitedGuard(
            "anthropic",
            limits,
            queue=RateQueue(limits.rates, lambda: share, self.clock),
            accounts=Accounts(limits.budget, {}, partitions=4, till=self.till, clock=self.clock),
            pauses=self.paused,
            clock=self.clock,
        )

    async def admit(self, model: str = MODEL, agent: str = "Lead", who: Who | None = None) -> Pass:
        question = Question(
            model=model,
            system="",
            messages=({"role": "user", "content": [{"type": "text", "text": "Hello"}]},),
            max_tokens=100,
        )
        return await self.guard.admit(question, who or Who(agent))  # type: ignore[arg-type]

    async def fail(self, error: Exception, model: str = MODEL) -> None:
        await (await self.admit(model)).settle(None, error)

    async def answer(self, usage: Usage = SMALL, model: str = MODEL) -> float | None:
        return await (await self.admit(model)).settle(answer(usage, model), None)

    def spent(self) -> int:
        wallets = [Wallet.decode(raw) for raw in self.till.durable.values()]
        return sum(wallet.spent.get(EVERYBODY, NOTHING).tokens for wallet in wallets)


def answer(usage: Usage, model: str = MODEL) -> Answer:
    return Answer(
        content=({"type": "text", "text": "Hi"},),
        stop_reason="end_turn",
        model=model,
        provider="anthropic",
        usage=usage,
    )


def broken(code: str = "server_error") -> ModelError:
    return ModelError("it fails", code=code)


async def test_a_call_passes_and_its_price_is_told() -> None:
    assert await Desk().answer(Usage(1000, 200)) == pytest.approx(0.002)


async def test_an_unknown_model_passes_its_price_is_unknown_and_that_is_said_once() -> None:
    desk = Desk(Limits(budget=Budget(tokens_per_day=10_000)))
    with capture_logs() as logs:
        assert await desk.answer(Usage(10, 5), "claude-new-9") is None
        assert await desk.answer(Usage(10, 5), "claude-new-9") is None

    assert [entry["model"] for entry in logs if entry["event"] == "price_unknown"] == [
        "claude-new-9"
    ]
    assert desk.spent() == 30


async def test_a_budget_of_nothing_lets_no_call_pass_whatever_its_price() -> None:
    desk = Desk(Limits(budget=Budget(usd_per_day=0)))
    for model in (MODEL, "claude-new-9"):
        with pytest.raises(ModelBusyError) as busy:
            await desk.admit(model)
        assert busy.value.code == "budget"


async def test_a_price_of_the_user_counts() -> None:
    desk = Desk(Limits(prices={"mine": Price(input=1_000_000, output=0)}))

    assert await desk.answer(Usage(3, 5), "mine") == 3


@pytest.mark.parametrize("code", ["timeout", "connection", "server_error", "unreadable"])
async def test_five_failures_open_the_circuit_and_hold_the_agent_back(code: str) -> None:
    desk = Desk()
    for _ in range(FAILURES):
        await desk.fail(broken(code))
    with pytest.raises(ModelBusyError) as busy:
        await desk.admit()

    assert busy.value.code == "circuit_open"
    assert OPEN_S <= busy.value.after_s <= OPEN_S + 10
    assert set(desk.paused.held) == {"Lead"}


async def test_an_open_circuit_stops_all_models_of_the_provider() -> None:
    desk = Desk()
    for _ in range(FAILURES):
        await desk.fail(broken())
    with pytest.raises(ModelBusyError):
        await desk.admit("claude-opus-5")


async def test_a_probe_that_succeeds_lets_the_agents_go_on_at_once() -> None:
    desk = Desk()
    for _ in range(FAILURES):
        await desk.fail(broken())
    for agent in ("Lead", "Other"):
        with pytest.raises(ModelBusyError):
            await desk.admit(agent=agent)
    assert set(desk.paused.held) == {"Lead", "Other"}
    desk.clock.advance(OPEN_S)
    probe = await desk.admit()
    with pytest.raises(ModelBusyError):
        await desk.admit(agent="Other")
    await probe.settle(answer(Usage(1, 1)), None)

    assert desk.paused.held == {}
    await desk.admit(agent="Other")


async def test_a_probe_that_is_cancelled_leaves_the_next_one_to_try() -> None:
    desk = Desk()
    for _ in range(FAILURES):
        await desk.fail(broken())
    desk.clock.advance(OPEN_S)
    await (await desk.admit()).settle(None, asyncio.CancelledError())

    await desk.answer()
    await desk.admit()


async def test_a_refusal_of_one_event_says_nothing_against_the_provider() -> None:
    desk = Desk()
    for _ in range(3 * FAILURES):
        await desk.fail(ModelRefusedError("too long", code="bad_request"))

    await desk.admit()


async def test_a_rate_limit_of_one_model_rests_that_model_for_as_long_as_was_asked() -> None:
    desk = Desk()
    await desk.fail(ModelBusyError(7200, "429", code="rate_limited"))
    with pytest.raises(ModelBusyError) as busy:
        await desk.admit()
    await desk.answer(model="claude-opus-5")

    assert 7200 <= busy.value.after_s <= 7210
    desk.clock.advance(7200)
    await desk.answer()


async def test_one_overload_stops_nobody_else_and_five_in_a_row_do() -> None:
    desk = Desk()
    for _ in range(FAILURES):
        await desk.fail(ModelBusyError(30, "529", code="overloaded"))
    with pytest.raises(ModelBusyError) as busy:
        await desk.admit()

    assert busy.value.code == "circuit_open"


async def test_an_overload_for_which_the_provider_names_a_long_time_rests_it() -> None:
    desk = Desk()
    await desk.fail(ModelBusyError(600, "529", code="overloaded"))
    with pytest.raises(ModelBusyError) as busy:
        await desk.admit()

    assert busy.value.after_s >= 600


@pytest.mark.parametrize("code", ["no_key", "billing"])
async def test_what_concerns_the_account_rests_all_models(code: str) -> None:
    desk = Desk()
    await desk.fail(ModelBusyError(300, "no", code=code))
    with pytest.raises(ModelBusyError):
        await desk.admit("claude-opus-5")


async def test_a_rate_lets_calls_wait_a_little_and_sends_the_rest_away_one_by_one() -> None:
    desk = Desk(Limits(rates={MODEL: ModelRate(requests_per_minute=30)}))
    admitted: list[float] = []
    away: list[ModelBusyError] = []

    async def call() -> None:
        try:
            await desk.admit()
            admitted.append(desk.clock.monotonic())
        except ModelBusyError as exc:
            away.append(exc)

    tasks = [asyncio.create_task(call()) for _ in range(20)]
    for _ in range(100):
        await asyncio.sleep(0)
        desk.clock.advance(desk.clock.next_wake_s or 0.1)
    await asyncio.gather(*tasks)

    assert 3 <= len(admitted) <= 6  # a burst of 3, and what comes in within five seconds
    times = [busy.after_s for busy in away]
    assert {busy.code for busy in away} == {"rate_limited"}
    assert all(after > HOLD_S for after in times)
    assert len(set(times)) == len(times)
    assert max(times) == pytest.approx(20 / 30 * 60, rel=0.4)


async def test_a_call_that_is_cancelled_in_the_line_takes_no_turn() -> None:
    desk = Desk(Limits(rates={"*": ModelRate(requests_per_minute=60)}))
    await desk.admit()
    while True:
        waiting = asyncio.create_task(desk.admit())
        await asyncio.sleep(0)
        if desk.clock.next_wake_s is not None:
            break
        await waiting
    first = desk.clock.next_wake_s
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    again = asyncio.create_task(desk.admit())
    await asyncio.sleep(0)

    assert desk.clock.next_wake_s == pytest.approx(first)
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)


async def test_tokens_a_minute_count_what_an_answer_really_took() -> None:
    desk = Desk(Limits(rates={MODEL: ModelRate(tokens_per_minute=100_000)}))
    await (await desk.admit()).settle(answer(Usage(50_000, 0)), None)

    with pytest.raises(ModelBusyError) as busy:
        await desk.admit()
    assert busy.value.after_s > 20


async def test_a_spent_budget_holds_the_agent_back_until_there_are_more_partitions() -> None:
    desk = Desk(Limits(budget=Budget(tokens_per_day=150)))
    await desk.answer(Usage(100, 48))  # a slice is 37, rounded down
    with pytest.raises(ModelBusyError) as busy:
        await desk.admit()
    assert (busy.value.code, set(desk.paused.held)) == ("budget", {"Lead"})
    desk.guard.more_is_ours()

    assert desk.paused.held == {}


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (broken("server_error"), 0),
        (ModelBusyError(1, "429", code="rate_limited"), 0),
        (broken("timeout"), True),
        (broken("connection"), True),
        (broken("unreadable"), True),
        (asyncio.CancelledError(), True),
    ],
)
async def test_what_may_have_been_paid_for_counts(error: Exception, kept: int) -> None:
    desk = Desk(Limits(budget=Budget(tokens_per_day=1_000_000)))
    await desk.fail(error)

    assert bool(desk.spent()) == bool(kept)


async def test_an_answer_under_a_name_without_a_price_costs_what_was_asked_for() -> None:
    desk = Desk(Limits(budget=Budget(usd_per_day=1)))
    passed = await desk.admit()
    with capture_logs() as logs:
        usd = await passed.settle(answer(Usage(1000, 200), "gateway/haiku-eu-7f3a"), None)

    assert usd == pytest.approx(0.002)
    assert desk.till.wallets(4)[4, 0].spent[EVERYBODY].usd == pytest.approx(0.002)
    assert logs == []


async def test_where_nobody_was_there_nothing_was_spent() -> None:
    desk = Desk(Limits(budget=Budget(tokens_per_day=1_000_000)))
    error = broken("connection")
    error.requests = 0
    await desk.fail(error)

    assert desk.spent() == 0


async def test_who_is_refused_by_a_budget_takes_no_turn_from_the_others() -> None:
    rate = ModelRate(requests_per_minute=60, tokens_per_minute=60_000)
    desk = Desk(Limits(budget=Budget(tokens_per_event=500), rates={MODEL: rate}))
    spent = Who(wallet=Event(kept=Spend(0, 450)))
    for _ in range(100):
        with pytest.raises(ModelRefusedError):
            await desk.admit(who=spent)

    await asyncio.wait_for(desk.admit(), 10)  # at once: the clock stands still


async def test_a_second_try_takes_a_turn_too() -> None:
    desk = Desk(Limits(rates={MODEL: ModelRate(requests_per_minute=60)}))
    made = []
    while desk.clock.monotonic() < 600:
        asking = asyncio.create_task(desk.admit())
        while not asking.done():
            await asyncio.sleep(0)
            desk.clock.advance(desk.clock.next_wake_s or 0)
        try:
            passed = asking.result()
        except ModelBusyError as busy:
            desk.clock.advance(busy.after_s)
            continue
        made += [desk.clock.monotonic()] * 2
        await passed.settle(replace(answer(SMALL), requests=2), None)

    minutes = [sum(begin <= at < begin + 60 for at in made) for begin in range(0, 540, 10)]
    assert max(minutes) <= 62


async def test_a_worker_that_is_killed_again_and_again_brings_no_burst_each_time() -> None:
    limits = Limits(rates={MODEL: ModelRate(requests_per_minute=60)})
    made: list[float] = []
    for life in range(6):
        desk = Desk(limits)
        desk.clock.advance(20 * life)
        while desk.clock.monotonic() < 20 * (life + 1):
            asking = asyncio.create_task(desk.admit())
            while not asking.done():
                await asyncio.sleep(0)
                desk.clock.advance(desk.clock.next_wake_s or 0)
            made.append(desk.clock.monotonic())

    assert max(sum(begin <= at < begin + 60 for at in made) for begin in range(60)) <= 60
