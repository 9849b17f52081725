"""What monitors of the settings make in the starter app, where the settings do not say it."""

from __future__ import annotations

from streamagents.monitors.configured import MonitorDefault

_POST = {
    "company": "monitor",
    "title": "title",
    "text": "text",
    "url": "url",
    "published": "published",
}
_LINK = {name: name for name in ("url", "page", "anchor", "status", "error", "since", "checked_at")}


def _mention(platform: str) -> MonitorDefault:
    fields = {
        "text": "join(' ', [title, text][?@])",
        "author": "author",
        "url": "url",
        "platform": f"'{platform}'",
    }
    return MonitorDefault(type="mention", fields=fields)


MONITOR_DEFAULTS = {
    "feed": MonitorDefault(type="competitor_post", fields=_POST),
    "page": MonitorDefault(type="competitor_post", fields=_POST),
    "reddit": _mention("reddit"),
    "hackernews": _mention("hackernews"),
    "links": MonitorDefault(type="broken_link", fields=_LINK),
    "sitemap": MonitorDefault(type="broken_link", fields=_LINK),
}
"""By kind. A competitor goes by the name of the monitor that reads its feed or its page."""
