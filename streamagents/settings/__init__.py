"""Settings: what the environment says. The only room that reads it."""

from streamagents.settings.model import DEFAULT_WEB_PORT, PagesPort, Settings, load_settings

__all__ = ["DEFAULT_WEB_PORT", "PagesPort", "Settings", "load_settings"]
