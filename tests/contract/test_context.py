"""What a `Context` promises to an agent, asked of the one for tests and of the worker's own.

The worker's is the real one over a state in memory: what it leaves is what its writer commits.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

import pytest
from pydantic import BaseModel
from pydantic_core import from_json

from streamagents.agents.context import MAX_DELAY_S
from streamagents.agents.results import MAX_STEP_BYTES
from streamagents.agents.state import MAX_STATE_BYTES
from streamagents.errors import (
    ConfigurationError,
    EventTooLargeError,
    StateInvalidError,
    StepError,
)
from streamagents.testing import FakeContext, Note
from streamagents.topics import MAX_RECORD_BYTES
from support.contexts import HeldAttempt, Left, Order

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from streamagents.agents import Context


class Profile(BaseModel):
    name: str
    employees: int | None = None


@dataclass(frozen=True, kw_only=True)
class Made:
    """A context, and a look at what was done with it."""

    ctx: Context
    left: Callable[[], Awaitable[Left]]
    """Ends the attempt; its steps are those that were durable before."""


class MakeContext(Protocol):
    """Begins an attempt.

    `event_id` and `key` are the event's; `steps` and `state` are what earlier attempts and events
    have left. Known to it are the event `Order` and the channel `recording` for `Note`.
    """

    async def __call__(
        self,
        *,
        event_id: str = "e-1",
        key: str | None = "c-1",
        steps: Mapping[str, Any] | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> Made: ...


async def _fake(
    *,
    event_id: str = "e-1",
    key: str | None = "c-1",
    steps: Mapping[str, Any] | None = None,
    state: Mapping[str, Any] | None = None,
) -> Made:
    ctx = FakeContext(event_id=event_id, key=key, steps=steps, state=state)

    async def left() -> Left:
        events = zip(ctx.emitted_ids, ctx.emitted, strict=True)
        delayed = [(ctx.emitted.index(event), delay) for event, delay in ctx.delayed]
        actions = zip(ctx.acted_ids, ctx.acted, strict=True)
        return Left(
            emitted=[(id_, event.model_dump(mode="json")) for id_, event in events],
            delays={ctx.emitted_ids[at]: delay for at, delay in delayed},
            acted=[(id_, did.via, from_json(did.action_json())) for id_, did in actions],
            state=ctx.values,
            steps=ctx.steps,
            steps_rerun=ctx.steps_rerun,
        )

    return Made(ctx=ctx, left=left)


@pytest.fixture(params=["fake", "worker"])
async def make_context(request: pytest.FixtureRequest) -> AsyncIterator[MakeContext]:
    attempts: list[HeldAttempt] = []

    async def _workers(
        *,
        event_id: str = "e-1",
        key: str | None = "c-1",
        steps: Mapping[str, Any] | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> Made:
        attempt = HeldAttempt(event_id, key)
        attempts.append(attempt)
        return Made(ctx=await attempt.begin(steps or {}, state or {}), left=attempt.left)

    made: dict[str, MakeContext] = {"fake": _fake, "worker": _workers}
    yield made[request.param]
    for attempt in attempts:
        await attempt.end()


def order(**fields: Any) -> dict[str, Any]:
    return {"customer": None, "id": None, "text": "", **fields}


# -- events --------------------------------------------------------------------------------------


async def test_events_leave_in_order_under_their_own_ids_or_numbered_ones(
    make_context: MakeContext,
) -> None:
    made = await make_context(event_id="e-7")

    ids = [
        made.ctx.emit(Order(text="a")),
        await made.ctx.emit(Order(id="own")),
        made.ctx.emit(Order(text="b")),
    ]

    assert ids == ["e-7/emit-1", "own", "e-7/emit-2"]
    assert (await made.left()).emitted == [
        ("e-7/emit-1", order(text="a")),
        ("own", order(id="own")),
        ("e-7/emit-2", order(text="b")),
    ]


@pytest.mark.parametrize("id_", ["", 7, b"x"])
async def test_an_id_that_is_no_text_is_refused(make_context: MakeContext, id_: Any) -> None:
    made = await make_context()

    with pytest.raises(ValueError, match="an id is a text"):
        made.ctx.emit(Order(), id=id_)

    assert (await made.left()).emitted == []


async def test_an_id_that_is_given_is_the_events(make_context: MakeContext) -> None:
    made = await make_context(event_id="e-7")

    ids = [made.ctx.emit(Order(id="own"), id="given"), made.ctx.emit(Order())]

    assert ids == ["given", "e-7/emit-1"]


async def test_an_event_may_be_delayed_up_to_a_year(make_context: MakeContext) -> None:
    made = await make_context()

    made.ctx.emit(Order(id="now"))
    made.ctx.emit(Order(id="zero"), delay_s=0)
    made.ctx.emit(Order(id="soon"), delay_s=0.5)
    made.ctx.emit(Order(id="late"), MAX_DELAY_S)

    assert [id_ for id_, _ in (await made.left()).emitted] == ["now", "zero", "soon", "late"]
    assert (await made.left()).delays == {"soon": 0.5, "late": MAX_DELAY_S}


@pytest.mark.parametrize("delay", [-1, MAX_DELAY_S + 1, float("nan"), True, "60", None])
async def test_a_delay_that_is_none_is_refused(make_context: MakeContext, delay: Any) -> None:
    made = await make_context()

    with pytest.raises(ValueError, match="a delay is between 0 and"):
        made.ctx.emit(Order(), delay_s=delay)

    assert (await made.left()).emitted == []


async def test_an_event_that_fits_no_record_is_refused_and_takes_no_number(
    make_context: MakeContext,
) -> None:
    made = await make_context()

    with pytest.raises(EventTooLargeError, match="emit a reference to the data instead") as caught:
        made.ctx.emit(Order(text="ä" * (MAX_RECORD_BYTES // 2)))
    with pytest.raises(TypeError, match=r"emit\(\) takes an Event, got dict"):
        made.ctx.emit(cast("Any", {"text": "a"}))

    assert caught.value.code == "too_large"
    assert made.ctx.emit(Order()) == "e-1/emit-1"
    assert len((await made.left()).emitted) == 1


async def test_an_event_leaves_as_it_was_when_it_was_emitted(make_context: MakeContext) -> None:
    made = await make_context(event_id="e-7")
    event = Order(text="a")

    made.ctx.emit(event)
    event.text = "b"
    made.ctx.emit(event)

    assert (await made.left()).emitted == [
        ("e-7/emit-1", order(text="a")),
        ("e-7/emit-2", order(text="b")),
    ]


async def test_what_is_emitted_twice_under_one_id_leaves_twice(make_context: MakeContext) -> None:
    made = await make_context()

    made.ctx.emit(Order(text="a"), id="one")
    made.ctx.emit(Order(text="b"), id="one", delay_s=5)

    assert [id_ for id_, _ in (await made.left()).emitted] == ["one", "one"]


# -- effects -------------------------------------------------------------------------------------


async def test_effects_leave_in_order_under_their_names_or_numbered_ones(
    make_context: MakeContext,
) -> None:
    made = await make_context(event_id="e-7")

    ids = [
        made.ctx.act(Note(text="a")),
        await made.ctx.act(Note(text="b"), name="note"),
        made.ctx.act(Note(text="c")),
    ]

    assert ids == ["e-7/act-1", "e-7/note", "e-7/act-2"]
    assert (await made.left()).acted == [
        ("e-7/act-1", "recording", {"text": "a"}),
        ("e-7/note", "recording", {"text": "b"}),
        ("e-7/act-2", "recording", {"text": "c"}),
    ]


async def test_a_number_that_was_given_as_a_name_is_not_given_again(
    make_context: MakeContext,
) -> None:
    made = await make_context()
    made.ctx.act(Note(text="a"), "act-2")
    made.ctx.act(Note(text="b"))

    with pytest.raises(ConfigurationError, match="twice in one run"):
        made.ctx.act(Note(text="c"))

    assert [id_ for id_, *_ in (await made.left()).acted] == ["e-1/act-2", "e-1/act-1"]


async def test_a_name_is_used_for_one_effect(make_context: MakeContext) -> None:
    made = await make_context()
    made.ctx.act(Note(text="a"), "note")

    with pytest.raises(ConfigurationError, match=r"name='note'\) was called twice in one run"):
        made.ctx.act(Note(text="b"), "note")

    assert len((await made.left()).acted) == 1


@pytest.mark.parametrize("name", ["", "a/b", "x" * 201, 7])
async def test_a_name_that_could_be_another_events_is_refused(
    make_context: MakeContext, name: Any
) -> None:
    made = await make_context()

    with pytest.raises(ConfigurationError, match="a name is a text of 1 to 200 characters"):
        made.ctx.act(Note(text="a"), name)


async def test_an_effect_that_fits_no_record_is_refused_and_leaves_its_name(
    make_context: MakeContext,
) -> None:
    made = await make_context()

    with pytest.raises(EventTooLargeError):
        made.ctx.act(Note(text="x" * MAX_RECORD_BYTES), "note")
    with pytest.raises(EventTooLargeError):
        made.ctx.act(Note(text="x" * MAX_RECORD_BYTES))
    with pytest.raises(TypeError, match=r"act\(\) takes an Action, got dict"):
        made.ctx.act(cast("Any", {"text": "a"}))

    assert made.ctx.act(Note(text="x"), "note") == "e-1/note"
    assert made.ctx.act(Note(text="x")) == "e-1/act-1"
    assert len((await made.left()).acted) == 2


# -- state ---------------------------------------------------------------------------------------


async def test_values_are_read_changed_and_deleted(make_context: MakeContext) -> None:
    made = await make_context(state={"count": 3, "old": 1, "same": "x"})
    state = made.ctx.state

    state.set("count", state.get("count", 0) + 1)
    state.set("profile", Profile(name="Nordwind"))
    state.delete("old")
    state.delete("never was")

    assert (state.get("count"), state.get("old", "gone")) == (4, "gone")
    assert made.ctx.state.get("profile", type=Profile) == Profile(name="Nordwind")
    assert (await made.left()).state == {
        "count": 4,
        "same": "x",
        "profile": {"name": "Nordwind", "employees": None},
    }


async def test_what_was_set_is_read_as_it_was_then(make_context: MakeContext) -> None:
    made = await make_context(state={"old": [1]})
    tags = ["a"]

    made.ctx.state.set("tags", tags)
    tags.append("b")
    made.ctx.state.get("tags").append("c")
    made.ctx.state.get("old").append(2)
    made.ctx.state.delete("old")

    assert (made.ctx.state.get("tags"), made.ctx.state.get("old", "gone")) == (["a"], "gone")
    assert (await made.left()).state == {"tags": ["a"]}


async def test_values_that_are_not_valid_or_too_large_are_refused(
    make_context: MakeContext,
) -> None:
    made = await make_context(state={"x": {"employees": "many"}})

    with pytest.raises(StateInvalidError, match="The state 'x' is no Profile"):
        made.ctx.state.get("x", type=Profile)
    with pytest.raises(TypeError, match="The state 'y' cannot be stored as JSON"):
        made.ctx.state.set("y", object())
    with pytest.raises(EventTooLargeError, match="a value takes at most 1,048,576"):
        made.ctx.state.set("y", "x" * MAX_STATE_BYTES)

    assert (await made.left()).state == {"x": {"employees": "many"}}


async def test_an_event_without_a_key_has_no_state(make_context: MakeContext) -> None:
    made = await make_context(key=None)

    with pytest.raises(ConfigurationError, match=r"ctx\.state belongs to an event's key"):
        made.ctx.state.get("x")


# -- steps ---------------------------------------------------------------------------------------


async def enrich(name: str) -> Profile:
    return Profile(name=name, employees=len(name))


def plain(name: str) -> Profile:
    assert threading.current_thread() is not threading.main_thread()
    return Profile(name=name)


async def never(*_: Any) -> Profile:
    raise AssertionError("the step was run again")


async def test_a_steps_result_is_read_back_as_its_function_says(make_context: MakeContext) -> None:
    made = await make_context()

    profile = await made.ctx.step("enrich", enrich, "Ann")
    other = await made.ctx.step("plain", plain, "Bob")

    assert (profile.employees, other.name) == (3, "Bob")
    assert (await made.left()).steps == {
        "enrich": {"name": "Ann", "employees": 3},
        "plain": {"name": "Bob", "employees": None},
    }


async def test_the_next_attempt_does_not_run_it_again(make_context: MakeContext) -> None:
    first = await make_context()
    await first.ctx.step("enrich", enrich, "Ann")

    second = await make_context(steps=(await first.left()).steps)

    assert await second.ctx.step("enrich", never, "Ann") == Profile(name="Ann", employees=3)
    assert (await second.left()).steps_rerun == {}


async def test_a_stored_result_that_is_no_longer_valid_does_not_count(
    make_context: MakeContext,
) -> None:
    made = await make_context(steps={"enrich": {"title": "Ann"}})

    assert await made.ctx.step("enrich", enrich, "Ann") == Profile(name="Ann", employees=3)

    assert (await made.left()).steps_rerun == {"enrich": "invalid"}


async def test_steps_have_names_of_their_own_within_their_parent(
    make_context: MakeContext,
) -> None:
    made = await make_context()
    ctx = made.ctx

    async def outer(name: str) -> str:
        return (await ctx.step("enrich", enrich, name)).name

    await asyncio.gather(ctx.step("a", outer, "Ann"), ctx.step("b", outer, "Bob"))
    with pytest.raises(ConfigurationError, match="'a' was begun twice in one run"):
        await ctx.step("a", outer, "Ann")

    assert set((await made.left()).steps) == {"a", "a/enrich", "b", "b/enrich"}


async def test_a_result_that_cannot_be_kept_is_refused(make_context: MakeContext) -> None:
    made = await make_context()

    with pytest.raises(StepError, match="which cannot be stored as JSON"):
        await made.ctx.step("object", object)
    with pytest.raises(StepError, match="annotate what its function returns"):
        await made.ctx.step("model", lambda: Profile(name="a"))
    with pytest.raises(EventTooLargeError, match="a step keeps at most 5,242,880"):
        await made.ctx.step("large", lambda: "x" * MAX_STEP_BYTES)

    assert (await made.left()).steps == {}


@pytest.mark.parametrize("shape", ["async", "plain"])
async def test_nothing_but_steps_is_allowed_in_a_step(
    make_context: MakeContext, shape: str
) -> None:
    made = await make_context(state={"x": 1})
    ctx = made.ctx
    uses: dict[str, Callable[[], object]] = {
        "emit": lambda: ctx.emit(Order()),
        "act": lambda: ctx.act(Note(text="a")),
        "get": lambda: ctx.state.get("x"),
        "set": lambda: ctx.state.set("x", 2),
        "delete": lambda: ctx.state.delete("x"),
    }

    for word, use in uses.items():

        async def coroutine(use: Callable[[], object] = use) -> None:
            use()

        with pytest.raises(ConfigurationError, match=f"was used in the function of step '{word}'"):
            await ctx.step(word, coroutine if shape == "async" else use)

    left = await made.left()
    assert (left.emitted, left.acted, left.state, left.steps) == ([], [], {"x": 1}, {})


async def test_after_a_step_everything_is_allowed_again(make_context: MakeContext) -> None:
    made = await make_context()

    await made.ctx.step("enrich", enrich, "Ann")
    with pytest.raises(AssertionError):
        await made.ctx.step("never", never)
    made.ctx.emit(Order())
    made.ctx.act(Note(text="a"))
    made.ctx.state.set("x", 1)

    left = await made.left()
    assert (len(left.emitted), len(left.acted), left.state) == (1, 1, {"x": 1})


@pytest.mark.parametrize("name", ["", "a/b", "x" * 201, 7])
async def test_a_steps_name_is_a_text_of_its_own(make_context: MakeContext, name: Any) -> None:
    made = await make_context()

    with pytest.raises(ConfigurationError, match="a step's name is a text of 1 to 200 characters"):
        await made.ctx.step(name, never)

    assert (await made.left()).steps == {}


async def test_a_function_that_ends_an_iteration_has_failed(make_context: MakeContext) -> None:
    made = await make_context()

    async def ends() -> str:
        raise StopAsyncIteration

    def stops() -> str:
        raise StopIteration

    for name, function in (("ends", ends), ("stops", stops)):
        with pytest.raises((RuntimeError, StopAsyncIteration)):
            await made.ctx.step(name, function)

    assert (await made.left()).steps == {}


async def test_a_plain_function_cannot_ask_for_a_step(make_context: MakeContext) -> None:
    made = await make_context()

    def outer() -> None:
        made.ctx.step("inner", enrich, "Ann")

    with pytest.raises(ConfigurationError, match=r"ctx.step\('inner', ...\) is awaited"):
        await made.ctx.step("outer", outer)


# -- the model -----------------------------------------------------------------------------------


async def test_answers_of_the_model_are_steps(make_context: MakeContext) -> None:
    first = await make_context()

    said = [await first.ctx.llm.text("One."), await first.ctx.llm.text("Two.", name="second")]
    profile = await first.ctx.llm.extract(Profile, "Who?", rules=lambda: Profile(name="Ann"))
    again = await make_context(steps=(await first.left()).steps)

    assert list((await first.left()).steps) == ["text-1", "second", "extract-1"]
    assert profile == Profile(name="Ann")
    assert [await again.ctx.llm.text("x"), await again.ctx.llm.text("y", name="second")] == said
    assert (await again.left()).steps_rerun == {}


async def test_the_answers_so_far_are_known(make_context: MakeContext) -> None:
    made = await make_context()

    await made.ctx.llm.text("One.")

    assert [call.step for call in made.ctx.llm.calls] == ["text-1"]
    assert made.ctx.llm.provider == made.ctx.llm.calls[0].provider
