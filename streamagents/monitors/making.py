"""Making: from an item to an event, by a function or by a map of fields."""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from streamagents.errors import ConfigurationError, InvalidEventError
from streamagents.events import Event
from streamagents.pipeline.mapping import FieldMap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from streamagents.monitors.item import Item


class Making:
    """Makes events of items.

    Args:
        name: of the monitor; an expression finds it as `monitor`.
        event: a function of an item; None where an item is no news. Its return annotation says
            which models it makes.
        to: or the model that every item becomes,
        fields: with a JMESPath expression over the item by field; without them fields of the
            item's own names.

    Raises:
        ConfigurationError: that cannot work.
    """

    def __init__(
        self,
        name: str,
        *,
        event: Callable[[Item], Event | None] | None = None,
        to: type[Event] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        who, self._name = f"The monitor {name!r}", name
        if (event is None) == (to is None) or (fields is not None and to is None):
            raise ConfigurationError(
                f"{who}: say what becomes of an item, by event=function or by to=Model."
            )
        self._event, self._to = event, to
        self._fields = None if fields is None else FieldMap(fields)
        if to is not None:
            _check_fields(who, to, fields)
        self.models: Sequence[type[Event]] = [to] if to else _annotated(who, event)

    def __call__(self, item: Item) -> Event | None:
        """The event of an item, if it is one.

        Raises:
            InvalidEventError: the item's data are none of the model's.
            TypeError: the function returned something else.
            Exception: whatever the function raises.
        """
        if self._to is not None:
            return self._validated(self._to, item)
        made: Event | None = self._event(item) if self._event else None
        if made is not None and type(made) not in self.models:
            models = ", ".join(model.__name__ for model in self.models)
            raise TypeError(f"event= says that it makes {models}, and made {type(made).__name__}.")
        return made

    def _validated(self, model: type[Event], item: Item) -> Event:
        data = {**item.data(), "monitor": self._name}
        data = data if self._fields is None else self._fields(data)
        try:
            return model.model_validate({k: v for k, v in data.items() if v is not None})
        except ValidationError as exc:
            faults = "; ".join(
                f"{'.'.join(map(str, fault['loc'])) or 'it'}: {fault['msg']}"
                for fault in exc.errors(include_url=False, include_input=False)
            )
            raise InvalidEventError(f"The item makes no {model.__name__}: {faults}.") from exc


def names_of(model: type[Event]) -> set[str]:
    """By which names a model's fields are filled."""
    aliases = {
        field.validation_alias
        for field in model.model_fields.values()
        if isinstance(field.validation_alias, str)
    }
    return aliases | model.model_fields.keys()


def _check_fields(who: str, model: type[Event], fields: Mapping[str, str] | None) -> None:
    if fields is None:
        return
    unknown = sorted(fields.keys() - names_of(model))
    if unknown:
        raise ConfigurationError(f"{who}: {model.__name__} has no field {', '.join(unknown)}.")
    missing = sorted(
        name
        for name, field in model.model_fields.items()
        if field.is_required() and not {name, field.validation_alias} & fields.keys()
    )
    if missing:
        raise ConfigurationError(
            f"{who}: {model.__name__} needs {', '.join(missing)}; say in fields= where that comes "
            "from."
        )


def _annotated(who: str, function: Callable[[Item], Event | None] | None) -> list[type[Event]]:
    """The models in a function's return annotation."""
    if not callable(function) or inspect.iscoroutinefunction(function):
        raise ConfigurationError(
            f"{who}: event= is a plain function of an item. It only makes an event; what has to "
            "wait for something is an agent's work."
        )
    wrapped: Any = inspect.unwrap(function)
    hinted = wrapped if inspect.isroutine(wrapped) else type(wrapped).__call__
    told = getattr(hinted, "__annotations__", {}).get("return")
    if isinstance(told, str):
        try:
            told = eval(told, getattr(hinted, "__globals__", {}))  # noqa: S307 - the user's own source, as typing does it
        except (NameError, AttributeError, TypeError, SyntaxError) as exc:
            raise ConfigurationError(
                f"{who}: the function returns {told!r}, which cannot be found at run time: define "
                "or import it at the top of its module, outside of `if TYPE_CHECKING`."
            ) from exc
    choices = [told, *typing.get_args(told)]
    models = [one for one in choices if inspect.isclass(one) and issubclass(one, Event)]
    if not models or Event in models:
        raise ConfigurationError(
            f"{who}: annotate what the function returns with the event's model, as in "
            "`def post(item: Item) -> CompetitorPost | None`."
        )
    return models
