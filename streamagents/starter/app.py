"""The starter application: `faust -A streamagents worker` runs it."""

from __future__ import annotations

from streamagents.runtime.app import create_app
from streamagents.runtime.channels import channels_from
from streamagents.settings import load_settings
from streamagents.starter.fallback import FallbackAgent
from streamagents.starter.hooks import HOOKS
from streamagents.starter.registry import EMITS, TABLES, build_agents
from streamagents.starter.review import Team
from streamagents.starter.site import Site, page_fetcher
from streamagents.starter.trouble import MonitorTroubleAgent
from streamagents.starter.watching import MONITOR_DEFAULTS

__all__ = ["app"]

_settings = load_settings()
_team = Team(slack=bool(_settings.slack_webhook_url or _settings.slack_webhooks))
_site = Site(page_fetcher(private=_settings.allow_private_hosts))

_agents = build_agents(_team, _site)
if _settings.monitors:
    _agents["monitor_failing"] = MonitorTroubleAgent(_team)

app = create_app(
    "starter",
    agents=_agents,
    fallback=FallbackAgent(_team),
    emits=EMITS,
    channels=channels_from(_settings, tables=TABLES),
    triggers=HOOKS,
    monitor_defaults=MONITOR_DEFAULTS,
    settings=_settings,
)
