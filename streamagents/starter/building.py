"""The starter application, put together from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.runtime.app import create_app
from streamagents.runtime.channels import channels_from
from streamagents.starter.fallback import FallbackAgent
from streamagents.starter.hooks import HOOKS
from streamagents.starter.registry import EMITS, TABLES, build_agents
from streamagents.starter.reminder import ReminderAgent
from streamagents.starter.review import Team
from streamagents.starter.site import Site, page_fetcher
from streamagents.starter.trouble import MonitorTroubleAgent
from streamagents.starter.watching import MONITOR_DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamagents.ports import Trigger
    from streamagents.runtime.app import StreamApp
    from streamagents.settings import Settings


def build_app(settings: Settings, triggers: Sequence[Trigger] = ()) -> StreamApp:
    """The starter application.

    Args:
        settings: its settings.
        triggers: beside the hooks that it ships with, and what the settings name.

    Raises:
        ConfigurationError: the settings cannot work.
    """
    team = Team(slack=bool(settings.slack_webhook_url or settings.slack_webhooks))
    agents = build_agents(team, Site(page_fetcher(private=settings.allow_private_hosts)))
    # Those who do not think: what the clock wakes has its say.
    agents["reminder"] = ReminderAgent(team)
    if settings.monitors or triggers:
        agents["monitor_failing"] = MonitorTroubleAgent(team)
    return create_app(
        "starter",
        agents=agents,
        fallback=FallbackAgent(team),
        emits=EMITS,
        channels=channels_from(settings, tables=TABLES),
        triggers=(*HOOKS, *triggers),
        monitor_defaults=MONITOR_DEFAULTS,
        settings=settings,
    )
