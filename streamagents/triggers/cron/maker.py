"""Maker: the event of a slot, out of what a schedule was given."""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import ValidationError

from streamagents.errors import ConfigurationError
from streamagents.events import Event

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

Given: TypeAlias = "type[Event] | Event | Callable[[datetime], Event]"
"""A model that needs no data, an event, or what makes one of a slot in the schedule's zone."""


class Maker:
    """Makes the event of a slot.

    Args:
        owner: the schedule, for errors.
        given: what it was given.

    Raises:
        ConfigurationError: no event can be made of it, or nothing says of which models.
    """

    def __init__(self, owner: str, given: Given) -> None:
        self.emits: tuple[type[Event], ...]
        if inspect.isclass(given) and issubclass(given, Event):
            self._make: Callable[[datetime], Any] = _of_model(owner, given)
            self.emits = (given,)
        elif isinstance(given, Event):
            self._make = lambda _slot: given
            self.emits = (type(given),)
        elif callable(given) and not inspect.isclass(given):
            self._make = given
            self.emits = _returned(owner, given)
        else:
            raise ConfigurationError(
                f"{owner}: event={given!r} is no event: it takes an Event model without required "
                "fields, an event, or a function from the slot to an event."
            )
        self._owner = owner

    def make(self, slot: datetime) -> Event:
        """The event of a slot.

        Raises:
            TypeError: the function returned something else.
            Exception: whatever it raises.
        """
        event = self._make(slot)
        if not isinstance(event, self.emits):
            if inspect.iscoroutine(event):
                event.close()
            names = " or ".join(model.__name__ for model in self.emits)
            raise TypeError(
                f"{self._owner}: its function is to return {names}, it returned "
                f"{type(event).__name__}."
            )
        return event


def _of_model(owner: str, model: type[Event]) -> Callable[[datetime], Event]:
    try:
        model()
    except ValidationError as exc:
        fields = ", ".join(".".join(map(str, fault["loc"])) for fault in exc.errors())
        raise ConfigurationError(
            f"{owner}: {model.__name__} has required fields ({fields}): hand an event over, or a "
            "function from the slot to one."
        ) from exc
    return lambda _slot: model()


def _returned(owner: str, function: Callable[..., Any]) -> tuple[type[Event], ...]:
    """The models in the return annotation: the application has to know their topics."""
    if inspect.iscoroutinefunction(function):
        raise ConfigurationError(
            f"{owner}: its function is `async`: let it make the event at once, and do what takes "
            "time in the agent that gets it."
        )
    try:
        annotation = typing.get_type_hints(inspect.unwrap(function)).get("return")
    except (NameError, TypeError, AttributeError):
        annotation = None  # a name for type checkers only, or a callable object
    choices = typing.get_args(annotation) or (annotation,)
    if not all(inspect.isclass(one) and issubclass(one, Event) for one in choices):
        raise ConfigurationError(
            f"{owner}: nothing says which event its function returns: annotate it, as in "
            "`def report(slot: datetime) -> ReportDue`, with models that can be found at run time."
        )
    if Event in choices:
        raise ConfigurationError(f"{owner}: its function returns any Event: name the model.")
    return choices
