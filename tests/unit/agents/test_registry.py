"""What may be registered, and the sentence for what may not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Union  # noqa: UP035 - users still write Dict

import pytest

from streamagents.agents import Context, Registration, Registry, Route, build_registry
from streamagents.errors import ConfigurationError
from streamagents.events import Event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from decimal import Decimal


class Lead(Event, topic="lead", key="email"):
    email: str


class Scored(Event, topic="scored"):
    score: int


class Fallback:
    async def run(self, event: dict[str, Any]) -> None: ...


class OnLead:
    version = 3

    async def run(self, lead: Lead, ctx: Context) -> Scored | None: ...


def agent(run: Any) -> object:
    return type("Odd", (), {"run": run})()


def registered(type_: str, handler: object) -> Registration:
    found = build_registry({type_: handler}, fallback=Fallback()).for_type(type_)
    assert found is not None
    return found


def refusal(agents: Mapping[str, object], fallback: object = None, **more: Any) -> str:
    with pytest.raises(ConfigurationError) as refused:
        build_registry(agents, fallback=fallback or Fallback(), **more)
    return str(refused.value)


def test_an_agent_is_registered_with_what_its_class_says() -> None:
    route = Route(OnLead(), attempts=5)

    found = registered("lead", route)

    assert (found.name, found.version, found.model) == ("OnLead", "3", Lead)
    assert (found.event, found.route) == (Lead.event_type, route)
    assert (found.wants_context, found.is_async) == (True, True)
    assert found.run == route.agent.run


def test_an_agent_without_a_route_has_the_default_policy() -> None:
    handler = OnLead()

    assert registered("lead", handler).route == Route(handler)


def test_an_unknown_type_is_the_fallbacks_affair() -> None:
    registry = build_registry({"lead": OnLead()}, fallback=Fallback())

    assert registry.for_type("mystery") is None
    assert registry.fallback.name == "Fallback"


async def _bare(self: object, event): ...  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
async def _any(self: object, event: Any) -> None: ...
async def _dict(self: object, event: dict) -> None: ...  # type: ignore[type-arg]
async def _typed_dict(self: object, event: dict[str, Any]) -> None: ...
async def _old_dict(self: object, event: Dict[str, Any]) -> None: ...  # noqa: UP006
async def _variadic(self: object, event: dict[str, Any], *args: Any, **kw: Any) -> None: ...


@pytest.mark.parametrize("run", [_bare, _any, _dict, _typed_dict, _old_dict, _variadic])
def test_without_a_model_an_agent_gets_the_data_as_a_dict(run: Any) -> None:
    found = registered("paid", agent(run))

    assert (found.model, found.wants_context) == (None, False)
    assert (found.event.topic, found.event.key, found.event.id) == ("paid", None, None)


async def _ctx(self: object, lead: Lead, ctx: object) -> None: ...
async def _ctx_default(self: object, lead: Lead, ctx: Any = None) -> None: ...
async def _other_name(self: object, lead: Lead, c: Context | None = None) -> None: ...
async def _extra(self: object, lead: Lead, ctx: Context, limit: int = 5) -> None: ...
async def _option(self: object, lead: Lead, limit: int = 5) -> None: ...
async def _keyword(self: object, lead: Lead, *, limit: int = 5) -> None: ...
def _sync(self: object, lead: Lead) -> None: ...


@pytest.mark.parametrize(
    ("run", "wants_context"),
    [
        (_ctx, True),
        (_ctx_default, True),
        (_other_name, True),
        (_extra, True),
        (_option, False),
        (_keyword, False),
        (_sync, False),
    ],
)
def test_the_second_parameter_is_the_context(run: Any, *, wants_context: bool) -> None:
    assert registered("lead", agent(run)).wants_context is wants_context


class Quit(Event, topic="quit", key="email"):
    email: str


async def _either(self: object, event: Lead | Quit, ctx: Context) -> None: ...
async def _old_union(self: object, event: Union[Lead, Quit], ctx: Context) -> None: ...  # noqa: UP007


@pytest.mark.parametrize("run", [_either, _old_union])
def test_an_agent_of_several_types_gets_the_model_of_each(run: Any) -> None:
    both = agent(run)
    registry = build_registry({"lead": both, "quit": both}, fallback=Fallback())

    assert {type_: r.model for type_, r in registry.agents.items()} == {"lead": Lead, "quit": Quit}
    assert {r.event.key for r in registry.agents.values()} == {"email"}
    assert set(registry.events) == {"lead", "quit"}


def test_a_type_that_is_none_of_several_is_refused() -> None:
    assert "takes Lead of type 'lead'" in refusal({"paid": agent(_either)})


def test_a_plain_function_is_told_from_a_coroutine() -> None:
    assert not registered("lead", agent(_sync)).is_async


async def _nothing(self: object) -> None: ...
async def _three(self: object, lead: Lead, ctx: Context, more: int) -> None: ...
async def _only_keywords(self: object, *, lead: Lead) -> None: ...
async def _keyword_context(self: object, lead: Lead, *, ctx: Context) -> None: ...
async def _unknown(self: object, lead: Nowhere) -> None: ...  # type: ignore[name-defined] # noqa: F821
async def _checkers_only(self: object, price: Decimal) -> None: ...
async def _text(self: object, lead: str) -> None: ...
async def _maybe(self: object, lead: Lead | None) -> None: ...
async def _lead_or_dict(self: object, lead: Lead | dict[str, Any]) -> None: ...
async def _any_event(self: object, event: Event) -> None: ...
async def _yields(self: object, lead: Lead) -> AsyncIterator[Scored]:
    yield Scored(score=1)


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        (_nothing, "takes run(event) or run(event, ctx)"),
        (_three, "takes run(event) or run(event, ctx)"),
        (_only_keywords, "takes run(event) or run(event, ctx)"),
        (_keyword_context, "takes run(event) or run(event, ctx)"),
        (_unknown, "'Nowhere', which cannot be found at run time"),
        (_checkers_only, "outside of `if TYPE_CHECKING`"),
        (_text, "an Event model or dict is needed"),
        (_lead_or_dict, "an Event model or dict is needed"),
        (_maybe, "an Event model or dict is needed"),
        (_any_event, "takes any Event: name one model, or take a dict"),
        (_yields, "yields: return a list of events"),
    ],
)
def test_a_run_that_cannot_be_called_is_refused_with_its_reason(run: Any, sentence: str) -> None:
    assert sentence in refusal({"lead": agent(run)})


@pytest.mark.parametrize(
    ("agents", "sentence"),
    [
        ({"lead": OnLead}, "is the class OnLead: register an object, OnLead()"),
        ({"lead": object()}, "object, has no method run(event)"),
        ({"lead": None}, "NoneType, has no method run(event)"),
        ({"leed": OnLead()}, "takes Lead of type 'lead': register it as 'lead'"),
        ({"two words": Fallback()}, "The type 'two words' names topic='two words'"),
        ({"fallback": Fallback()}, "hand that agent over as `fallback=`"),
        ({"streamagents.inbox": Fallback()}, "are the runtime's own"),
    ],
)
def test_what_cannot_be_an_agent_is_refused_with_its_reason(
    agents: dict[str, object], sentence: str
) -> None:
    assert sentence in refusal(agents)


def test_a_fallback_takes_events_of_any_type() -> None:
    assert "gets events of any type" in refusal({}, fallback=OnLead())


class LeadAgain(Event, topic="lead", type="lead_again"):
    pass


class OnLeadAgain:
    async def run(self, lead: LeadAgain) -> None: ...


def test_two_types_cannot_share_a_topic() -> None:
    said = refusal({"lead": OnLead(), "lead_again": OnLeadAgain()})

    assert said == "'lead' and 'lead_again' both claim the topic 'lead': one topic has one type."


def test_what_is_emitted_cannot_claim_the_topic_of_another_model() -> None:
    said = refusal({"lead": OnLead()}, emits=[LeadAgain])

    assert said.startswith("Lead and LeadAgain both claim the topic 'lead'")


async def _two_kinds(self: object, event: dict[str, Any]) -> list[Scored] | LeadAgain | None: ...
async def _no_kind(self: object, event: dict[str, Any]) -> list[Event] | Event | None: ...
async def _hidden(self: object, event: dict[str, Any]) -> Decimal | None: ...


@pytest.mark.parametrize(
    ("run", "topics"),
    [(_two_kinds, {"scored", "lead"}), (_no_kind, set()), (_hidden, set())],
)
def test_what_an_agent_returns_it_may_emit(run: Any, topics: set[str]) -> None:
    def emitted(registry: Registry) -> set[str]:
        return set(registry.events)

    assert emitted(build_registry({"paid": agent(run)}, fallback=Fallback())) == topics
    assert emitted(build_registry({}, fallback=agent(run))) == topics
