"""Building: an application's channels, checked before anything runs."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from streamagents.actions.action import Action, legal_channel
from streamagents.actions.channel import Delivery
from streamagents.actions.log import LogChannel
from streamagents.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamagents.actions.channel import Channel


def build_channels(channels: Iterable[Channel | Delivery]) -> Mapping[str, Delivery]:
    """Check and complete the channels that a user named; by name.

    A bare channel gets the default `Delivery`, and `log` is there in any case.

    Raises:
        ConfigurationError: one of them cannot work, or two have one name.
    """
    built: dict[str, Delivery] = {}
    for given in channels:
        delivery = given if isinstance(given, Delivery) else Delivery(given)
        name = _checked(delivery.channel)
        if name in built:
            raise ConfigurationError(
                f"{type(built[name].channel).__name__} and {type(delivery.channel).__name__} are "
                f"both the channel {name!r}: one name has one channel."
            )
        built[name] = delivery
    log = LogChannel()
    built.setdefault(log.name, Delivery(log))
    return built


def _checked(channel: Any) -> str:
    """The channel's name.

    Raises:
        ConfigurationError: it is no channel.
    """
    if inspect.isclass(channel):
        raise ConfigurationError(
            f"The class {channel.__name__} is named as a channel: hand over an object, "
            f"{channel.__name__}()."
        )
    kind = type(channel).__name__
    name = legal_channel(kind, getattr(channel, "name", None))
    action = getattr(channel, "action", None)
    if not inspect.isclass(action) or not issubclass(action, Action):
        raise ConfigurationError(
            f"{kind}.action is {action!r}: it is the class of what the channel delivers, as in "
            f"class Message(Action, via={name!r})."
        )
    if action.via != name:
        raise ConfigurationError(
            f"{kind} is the channel {name!r}, and delivers {action.__name__}, which goes via "
            f"{action.via!r}: give both one name."
        )
    _check_method(channel, "send")
    if getattr(channel, "reconcile", None) is not None:
        _check_method(channel, "reconcile")
    if not isinstance(getattr(channel, "idempotent", False), bool):
        raise ConfigurationError(f"{kind}.idempotent is True or False.")
    return name


def _check_method(channel: Any, word: str) -> None:
    wanted = f"{type(channel).__name__} has to have `async def {word}(self, action, effect)`"
    method = getattr(channel, word, None)
    if not callable(method):
        raise ConfigurationError(f"{wanted}.")
    called = getattr(method, "__call__", None)  # noqa: B004 - the method of a callable object
    if not inspect.iscoroutinefunction(method) and not inspect.iscoroutinefunction(called):
        raise ConfigurationError(f"{wanted}; {word} is not async.")
    try:
        inspect.signature(method).bind("action", "effect")
    except TypeError as exc:
        raise ConfigurationError(f"{wanted}; it takes {inspect.signature(method)}.") from exc
