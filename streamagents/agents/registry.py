"""The registry: event type -> agent, built explicitly, checked before anything runs."""

from __future__ import annotations

import inspect
import types
import typing
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamagents.agents.context import Context
from streamagents.agents.policy import Route
from streamagents.errors import ConfigurationError
from streamagents.events import Event, EventType
from streamagents.events.model import legal_topic
from streamagents.topics import OUR_TOPICS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

FALLBACK = "fallback"
_CONTEXT_NAMES = frozenset({"ctx", "context"})
_VARIADIC = frozenset({inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD})
_MOST_PARAMETERS = 2
"""An event and a context."""

Model = type[Event]
"""`type` itself is a field's name below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """One agent as the runtime runs it."""

    type: str
    route: Route
    name: str
    """The agent's class, for logs, letters and metrics."""
    version: str
    event: EventType
    model: Model | None
    """What `run` takes; None is the raw data, a dict."""
    wants_context: bool
    is_async: bool
    data_field: bool = False
    """Its model has a field `data`: an object with `data` is then no envelope."""
    keep_steps: bool = True
    """Whether steps that another version of the agent stored still count."""
    marked: bool = False
    """Each run gets a mark before it begins, for what it does cannot be taken back; one that ends
    with an error may have done it."""
    source: str = ""
    """Where what it emits under ids of its own comes from; empty is the application."""
    turn: Callable[[], Awaitable[None]] | None = None
    """Awaited before each run, and before its mark: a rate."""

    @property
    def run(self) -> Callable[..., Any]:
        """The agent's handler."""
        run: Callable[..., Any] = self.route.agent.run
        return run


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """All agents of an application, and all events it may write."""

    agents: Mapping[str, Registration]
    fallback: Registration
    events: Mapping[str, Model]
    """By topic: the models that agents take and emit."""

    def for_type(self, type_: str) -> Registration | None:
        """The agent of an event type; None is the fallback's affair."""
        return self.agents.get(type_)


def build_registry(
    agents: Mapping[str, Any], *, fallback: Any, emits: Iterable[Model] = ()
) -> Registry:
    """Check and complete what a user registered.

    Raises:
        ConfigurationError: an agent has no usable `run`, or two of them claim one topic.
    """
    if FALLBACK in agents:
        raise ConfigurationError(
            f"{FALLBACK!r} is no event type: hand that agent over as `fallback=`."
        )
    registrations = {type_: _register(type_, agent) for type_, agent in agents.items()}
    last = _register(FALLBACK, fallback)
    _one_class_a_name([*registrations.values(), last])
    _one_type_a_topic(registrations)
    events = {r.event.topic: r.model for r in registrations.values() if r.model}
    for model in (*emits, *_returned([*registrations.values(), last])):
        known = events.setdefault(model.event_type.topic, model)
        if known is not model:
            raise ConfigurationError(
                f"{known.__name__} and {model.__name__} both claim the topic "
                f"{model.event_type.topic!r}: one topic has one type."
            )
    _none_is_ours([*events, *(r.event.topic for r in registrations.values())])
    return Registry(
        agents=registrations,
        fallback=last,
        events=events,
    )


def _register(type_: str, agent: Any) -> Registration:
    route = agent if isinstance(agent, Route) else Route(agent)
    handler = route.agent
    _check_handler(type_, handler)
    models, wants_context = _parameters(type_, handler)
    model = _of_type(type_, models)
    event = model.event_type if model else _plain(type_)
    if type_ not in {event.type, FALLBACK}:
        raise ConfigurationError(
            f"{type_!r} is registered with {type(handler).__name__}, which takes "
            f"{model.__name__ if model else 'a dict'} of type {event.type!r}: "
            f"register it as {event.type!r}."
        )
    return Registration(
        type=type_,
        route=route,
        name=type(handler).__name__,
        version=str(getattr(handler, "version", "1")),
        event=event,
        model=model,
        wants_context=wants_context,
        is_async=inspect.iscoroutinefunction(handler.run),
        data_field=model is not None and "data" in model.model_fields,
        keep_steps=bool(getattr(handler, "keep_steps", True)),
    )


def _check_handler(type_: str, handler: Any) -> None:
    if inspect.isclass(handler):
        raise ConfigurationError(
            f"The agent of {type_!r} is the class {handler.__name__}: register an object, "
            f"{handler.__name__}()."
        )
    run = getattr(handler, "run", None)
    if not callable(run):
        raise ConfigurationError(
            f"The agent of {type_!r}, {type(handler).__name__}, has no method run(event)."
        )
    if inspect.isgeneratorfunction(run) or inspect.isasyncgenfunction(run):
        raise ConfigurationError(
            f"{type(handler).__name__}.run of {type_!r} yields: return a list of events, or "
            "emit them with ctx.emit(event)."
        )


def _plain(type_: str) -> EventType:
    """The topic of an agent that takes raw data: named like its type, keyed by the record."""
    topic = legal_topic(f"The type {type_!r}", type_)
    return EventType(
        type=type_, topic=topic, key=None, id=None, tombstones="letter", partitions=None
    )


def _of_type(type_: str, models: list[Model]) -> Model | None:
    """Of the models that `run` takes, the one of this type; else the first, to be complained of."""
    named = (model for model in models if model.event_type.type == type_)
    return next(named, models[0] if models else None)


def _parameters(type_: str, handler: Any) -> tuple[list[Model], bool]:
    """What `run` takes: the models of its first parameter, and whether it wants the context."""
    name = f"{type(handler).__name__}.run of {type_!r}"
    every = inspect.signature(handler.run).parameters.values()
    parameters = [p for p in every if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    required = [p for p in every if p.default is p.empty and p.kind not in _VARIADIC]
    by_position = required == parameters[: len(required)]
    if not parameters or len(required) > _MOST_PARAMETERS or not by_position:
        raise ConfigurationError(f"{name} takes run(event) or run(event, ctx).")
    models = _models(name, parameters[0], handler)
    if models and type_ == FALLBACK:
        raise ConfigurationError(f"{name} gets events of any type: it takes a dict.")
    return models, _wants_context(parameters, handler)


def _wants_context(parameters: list[inspect.Parameter], handler: Any) -> bool:
    """A second parameter is the context, unless it has a default and looks like something else."""
    if len(parameters) < _MOST_PARAMETERS:
        return False
    second = parameters[1]
    if second.default is second.empty or second.name in _CONTEXT_NAMES:
        return True
    annotation = second.annotation
    with suppress(ConfigurationError):  # a name for type checkers only: no matter here
        annotation = _resolve(annotation, handler)
    return annotation is Context or "Context" in str(annotation)


def _models(name: str, event: inspect.Parameter, handler: Any) -> list[Model]:
    """One model, or several as in `event: PaymentFailed | PaymentSucceeded`; none is a dict."""
    annotation = _resolve(event.annotation, handler)
    if annotation in (event.empty, dict, Any) or typing.get_origin(annotation) is dict:
        return []
    union = typing.get_origin(annotation) in {types.UnionType, typing.Union}
    choices = typing.get_args(annotation) if union else (annotation,)
    if Event in choices:
        raise ConfigurationError(f"{name} takes any Event: name one model, or take a dict.")
    if not all(inspect.isclass(one) and issubclass(one, Event) for one in choices):
        raise ConfigurationError(f"{name} takes {annotation!r}: an Event model or dict is needed.")
    return list(choices)


def _resolve(annotation: Any, handler: Any) -> Any:
    """The object a string annotation names, looked up where the agent's class was written."""
    if not isinstance(annotation, str):
        return annotation
    scope = getattr(inspect.unwrap(handler.run), "__globals__", {})
    try:
        return eval(annotation, scope)  # noqa: S307 - the user's own source, as typing does it
    except (NameError, AttributeError, TypeError, SyntaxError) as exc:
        raise ConfigurationError(
            f"{type(handler).__name__}.run takes {annotation!r}, which cannot be found at run "
            "time: define or import it at the top of its module, outside of `if TYPE_CHECKING`."
        ) from exc


def _one_type_a_topic(registrations: Mapping[str, Registration]) -> None:
    owners: dict[str, str] = {}
    for type_, registration in registrations.items():
        other = owners.setdefault(registration.event.topic, type_)
        if other != type_:
            raise ConfigurationError(
                f"{other!r} and {type_!r} both claim the topic {registration.event.topic!r}: "
                "one topic has one type."
            )


def _one_class_a_name(registrations: Iterable[Registration]) -> None:
    """An agent's name is what its state, its letters and its metrics go by."""
    kinds: dict[str, type] = {}
    for registration in registrations:
        kind = type(registration.route.agent)
        if kinds.setdefault(registration.name, kind) is not kind:
            raise ConfigurationError(
                f"Two classes are called {registration.name}, one of {kind.__module__}: state, "
                "letters and metrics go by an agent's name. Rename one of them."
            )


def _none_is_ours(topics: Iterable[str]) -> None:
    for topic in topics:
        if topic.startswith(OUR_TOPICS):
            raise ConfigurationError(
                f"The topic {topic!r} is not to be had: names that begin with {OUR_TOPICS!r} are "
                "the runtime's own."
            )


def _returned(registrations: Iterable[Registration]) -> Iterable[Model]:
    """The event models in the return annotations: what an agent returns, it emits."""
    for registration in registrations:
        annotation = inspect.signature(registration.run).return_annotation
        with suppress(ConfigurationError):  # emitting an undeclared event says so in words
            yield from _models_in(_resolve(annotation, registration.route.agent))


def _models_in(annotation: Any) -> Iterable[Model]:
    if inspect.isclass(annotation) and issubclass(annotation, Event) and annotation is not Event:
        yield annotation
    for part in typing.get_args(annotation):
        yield from _models_in(part)
