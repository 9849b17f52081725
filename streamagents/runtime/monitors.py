"""Monitors, composed: those of the settings, and the web that all of a worker share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.errors import ConfigurationError
from streamagents.monitors import Monitor, MonitorLoop, RedditLogin, Web
from streamagents.monitors.configured import configured
from streamagents.monitors.monitor import OWN
from streamagents.monitors.reddit import WEB
from streamagents.runtime.channels import http_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamagents.agents import Registry
    from streamagents.events import Event
    from streamagents.monitors.configured import MonitorDefault
    from streamagents.ports import Clock, Polls, Trigger
    from streamagents.settings import Settings


def monitors_from(
    settings: Settings, registry: Registry, defaults: Mapping[str, MonitorDefault]
) -> list[Monitor]:
    """The monitors that the settings name.

    Args:
        settings: the application's.
        registry: its agents and models.
        defaults: what monitors of a kind make where the settings do not say it.

    Raises:
        ConfigurationError: one sentence that names all faults.
    """
    id_, secret = settings.reddit_client_id, settings.reddit_client_secret
    if bool(id_) != (secret is not None):
        raise ConfigurationError(
            "STREAMAGENTS_REDDIT_CLIENT_ID and STREAMAGENTS_REDDIT_CLIENT_SECRET go together."
        )
    login = None
    if id_ and secret is not None:
        login = RedditLogin(id_, secret, f"{WEB}/api/v1/access_token")
    return configured(settings.monitors, registry, defaults=defaults, login=login)


def emitted_by_monitors(settings: Settings) -> tuple[type[Event], ...]:
    """What monitors of the settings tell of themselves; what they make the application has."""
    return OWN if settings.monitors else ()


def build_web(settings: Settings, clock: Clock) -> Web:
    """The web, for all monitors of a worker.

    Raises:
        ConfigurationError: an opened host is no host:port.
    """
    return Web(http_from(settings), clock, contact=settings.monitor_contact)


def wound(triggers: Iterable[Trigger], web: Web, polls: Polls) -> list[Trigger]:
    """The triggers, with their monitors as the clock wakes them."""
    return [
        MonitorLoop(trigger, web, polls) if isinstance(trigger, Monitor) else trigger
        for trigger in triggers
    ]
