"""Settings: what the environment says. The only room that reads it."""

from streamagents.settings.model import DEFAULT_WEB_PORT, PagesPort, Settings, load_settings
from streamagents.settings.supervision import load_supervisor

__all__ = ["DEFAULT_WEB_PORT", "PagesPort", "Settings", "load_settings", "load_supervisor"]
