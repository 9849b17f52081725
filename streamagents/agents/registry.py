"""The registry: event type -> agent, built explicitly, checked before anything runs."""

from __future__ import annotations

import inspect
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamagents.agents.policy import Route
from streamagents.errors import ConfigurationError
from streamagents.events import Event, EventType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

FALLBACK = "fallback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """One agent as the runtime runs it."""

    type: str
    route: Route
    name: str
    """The agent's class, for logs, letters and metrics."""
    version: str
    event: EventType
    model: type[Event] | None
    """What `run` takes; None is the raw data, a dict."""
    wants_context: bool
    is_async: bool

    @property
    def run(self) -> Callable[..., Any]:
        """The agent's handler."""
        return typing.cast("Callable[..., Any]", self.route.agent.run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """All agents of an application, and all events it may write."""

    agents: Mapping[str, Registration]
    fallback: Registration
    events: Mapping[str, type[Event]]
    """By topic: the models that agents take and emit."""

    def for_type(self, type_: str) -> Registration | None:
        """The agent of an event type; None is the fallback's affair."""
        return self.agents.get(type_)


def build_registry(
    agents: Mapping[str, Any], *, fallback: Any, emits: Iterable[type[Event]] = ()
) -> Registry:
    """Check and complete what a user registered.

    Raises:
        ConfigurationError: an agent has no usable `run`, or two of them claim one topic.
    """
    registrations = {type_: _register(type_, agent) for type_, agent in agents.items()}
    _one_type_a_topic(registrations)
    events = {r.event.topic: r.model for r in registrations.values() if r.model}
    for model in (*emits, *_returned(registrations.values())):
        known = events.setdefault(model.event_type.topic, model)
        if known is not model:
            raise ConfigurationError(
                f"{known.__name__} and {model.__name__} both claim the topic "
                f"{model.event_type.topic!r}: one topic has one type."
            )
    return Registry(
        agents=registrations,
        fallback=_register(FALLBACK, fallback),
        events=events,
    )


def _register(type_: str, agent: Any) -> Registration:
    route = agent if isinstance(agent, Route) else Route(agent)
    handler = route.agent
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
    model, wants_context = _parameters(type_, handler)
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
        is_async=inspect.iscoroutinefunction(run),
    )


def _plain(type_: str) -> EventType:
    """The topic of an agent that takes raw data: named like its type, keyed by the record."""
    return EventType(
        type=type_, topic=type_, key=None, id=None, tombstones="letter", partitions=None
    )


def _parameters(type_: str, handler: Any) -> tuple[type[Event] | None, bool]:
    """What `run` takes: the model of its first parameter, and whether there is a second."""
    name = type(handler).__name__
    parameters = [
        p
        for p in inspect.signature(handler.run).parameters.values()
        if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}
    ]
    required = [p for p in parameters if p.default is p.empty]
    if not parameters or len(required) > 2:  # noqa: PLR2004 - an event and a context
        raise ConfigurationError(f"{name}.run of {type_!r} takes run(event) or run(event, ctx).")
    annotation = _resolve(parameters[0].annotation, handler)
    if inspect.isclass(annotation) and issubclass(annotation, Event):
        if type_ == FALLBACK:
            raise ConfigurationError(
                f"The fallback agent {name} gets events of any type: its run takes a dict."
            )
        return annotation, len(parameters) > 1
    if annotation not in {inspect.Parameter.empty, dict, Any} and (
        typing.get_origin(annotation) is not dict
    ):
        raise ConfigurationError(
            f"{name}.run of {type_!r} takes {annotation!r}: an Event model or dict is needed."
        )
    return None, len(parameters) > 1


def _resolve(annotation: Any, handler: Any) -> Any:
    """The object a string annotation names, looked up where the agent's class was written."""
    if not isinstance(annotation, str):
        return annotation
    scope = getattr(inspect.unwrap(handler.run), "__globals__", {})
    try:
        return eval(annotation, scope)  # noqa: S307 - the user's own source, as typing does it
    except NameError as exc:
        raise ConfigurationError(
            f"{type(handler).__name__}.run takes {annotation!r}, which cannot be found at run "
            "time: import it outside of `if TYPE_CHECKING`."
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


def _returned(registrations: Iterable[Registration]) -> Iterable[type[Event]]:
    """The event models in the return annotations: what an agent returns, it emits."""
    for registration in registrations:
        annotation = inspect.signature(registration.run).return_annotation
        if isinstance(annotation, str):
            scope = getattr(inspect.unwrap(registration.run), "__globals__", {})
            try:
                annotation = eval(annotation, scope)  # noqa: S307 - as in _resolve
            except NameError:
                continue  # emitting an undeclared event says so in words
        yield from _models_in(annotation)


def _models_in(annotation: Any) -> Iterable[type[Event]]:
    if inspect.isclass(annotation) and issubclass(annotation, Event):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _models_in(part)
